import assert from "node:assert/strict";
import test from "node:test";
import { written } from "../../sandbox/prometheus/answer.ts";
import { ask } from "../../sandbox/prometheus/evaluate.ts";
import { parseExposition } from "../../sandbox/prometheus/exposition.ts";
import { storage } from "../../sandbox/prometheus/storage.ts";
import { keyOf, type Labels } from "../../sandbox/prometheus/value.ts";
import { at, cases, series, step } from "../support/promql-cases.ts";

const recorded = storage();
for (const [name, values] of Object.entries(series)) {
  const [labels] = parseExposition(`${name} 0`);
  for (const [index, value] of values.split(" ").entries())
    if (value !== "_")
      recorded.append(labels?.labels ?? {}, index * step, value === "stale" ? undefined : Number(value));
}

const expected = (line: string): readonly [string, number] => {
  const space = line.lastIndexOf(" ");
  const named = line.startsWith("{") ? `x${line}` : line;
  const [one] = parseExposition(named);
  const { __name__: _, ...anonymous } = one?.labels ?? {};
  const labels: Labels = line.startsWith("{") ? anonymous : (one?.labels ?? {});
  return [
    keyOf(labels),
    { "+Inf": Infinity, "-Inf": -Infinity }[line.slice(space + 1)] ?? Number(line.slice(space + 1)),
  ];
};

function agree(got: number | undefined, wanted: number): void {
  const near = got !== undefined && Math.abs(got - wanted) <= 1e-9 * Math.abs(wanted);
  assert.ok(Object.is(got, wanted) || near, `${got} instead of ${wanted}`);
}

for (const { query, gives } of cases) {
  test(`PromQL: ${query}`, () => {
    const value = ask(query, recorded, at);
    if (typeof gives === "number") return agree(value.type === "scalar" ? value.value : undefined, gives);
    const samples = new Map(
      value.type === "vector" ? value.samples.map(({ labels, value }) => [keyOf(labels), value]) : [],
    );
    const wanted = new Map(gives.map(expected));
    assert.deepEqual([...samples.keys()].sort(), [...wanted.keys()].sort());
    for (const [key, number] of wanted) agree(samples.get(key), number);
  });
}

const mistakes: readonly { readonly query: string; readonly says: string; readonly kind?: "execution" }[] = [
  { query: "", says: "1:1: parse error: no expression found in input" },
  { query: "sum(requests", says: "1:13: parse error: unexpected end of input" },
  { query: "requests )", says: '1:10: parse error: unexpected ")"' },
  { query: "requests{\n  code=}", says: '2:8: parse error: unexpected "}"' },
  { query: "averg(requests)", says: '1:1: parse error: unknown function with name "averg"' },
  {
    query: "rate(requests)",
    says: 'parse error: expected type range vector in call to function "rate", got instant vector',
  },
  {
    query: "sum(requests[5m])",
    says: "parse error: expected type instant vector in aggregation expression, got range vector",
  },
  { query: "round(requests, 1, 2)", says: 'parse error: expected 2 argument(s) in call to "round", got 3' },
  { query: "1 > 2", says: "parse error: comparisons between scalars must use BOOL modifier" },
  { query: "requests and 1", says: 'parse error: set operator "and" not allowed in binary scalar expression' },
  { query: "{}", says: "parse error: vector selector must contain at least one non-empty matcher" },
  { query: 'requests{__name__="x"}', says: 'parse error: metric name must not be set twice: "requests" or "x"' },
  {
    query: 'requests{code=~"("}',
    says: "error parsing regexp: Invalid regular expression: /^(?:()$/s: Unterminated group",
  },
  { query: 'requests{code=~"(?!5)"}', says: "error parsing regexp: invalid or unsupported Perl syntax: `(?!`" },
  {
    query: "(requests + requests) offset 5m",
    says: "1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector selector or a subquery",
  },
  {
    query: "deriv(requests[5m])",
    says: 'parse error: the function "deriv" is not known to this stand-in for Prometheus',
  },
  {
    query: "requests / on (pod) requests",
    says: "many-to-many matching not allowed: matching labels must be unique on one side",
    kind: "execution",
  },
  {
    query: "requests / on (pod) sum by (pod) (requests)",
    says: "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
    kind: "execution",
  },
];
for (const { query, says, kind = "bad_data" } of mistakes) {
  test(`PromQL that is refused: ${JSON.stringify(query)}`, () => {
    assert.throws(
      () => ask(query, recorded, at),
      (error: { kind: string; message: string }) => {
        assert.equal(error.kind, kind);
        assert.ok(kind === "execution" ? error.message.endsWith(says) : error.message === says, error.message);
        return true;
      },
    );
  });
}

test("PromQL that is refused: two series become one when their names go", () => {
  const twins = storage();
  for (const name of ["a_sum", "a_count"]) for (const at of [1, 2]) twins.append({ __name__: name }, at, at);
  assert.throws(() => ask('rate({__name__=~"a_.*"}[1m])', twins, 3), {
    kind: "execution",
    message: "vector cannot contain metrics with the same labelset",
  });
});

test("a sample is seen for five minutes, and a series that ended not at all", () => {
  const short = storage();
  short.append({ __name__: "x", left: "alone" }, 1_000, 1);
  short.append({ __name__: "x", left: "ended" }, 1_000, 2);
  short.append({ __name__: "x", left: "ended" }, 2_000, undefined);
  const seenAt = (at: number) =>
    short.instant([{ label: "__name__", op: "=", text: "x" }], at).map(({ labels }) => labels.left);
  assert.deepEqual(seenAt(999), []);
  assert.deepEqual(seenAt(1_000), ["alone", "ended"]);
  assert.deepEqual(seenAt(2_000), ["alone"]);
  assert.deepEqual(seenAt(300_999), ["alone"]);
  assert.deepEqual(seenAt(301_000), []);
});

test("samples go after an hour or two, and one that is not newer is not taken", () => {
  const long = storage();
  const hour = 3_600_000;
  for (let at = 0; at <= 5 * hour; at += hour / 4) long.append({ __name__: "x" }, at, at);
  long.append({ __name__: "x" }, hour, -1);
  const [only] = long.range([{ label: "__name__", op: "=", text: "x" }], -1, 6 * hour);
  const times = only?.points.map(({ at }) => at) ?? [];
  assert.equal(times.at(-1), 5 * hour);
  assert.ok((times[0] ?? 0) >= 3 * hour, `the oldest is of hour ${(times[0] ?? 0) / hour}`);
});

test("numbers are written without exponent", () => {
  const table: readonly (readonly [number, string])[] = [
    [0, "0"],
    [1.5, "1.5"],
    [-2, "-2"],
    [1e-7, "0.0000001"],
    [1.25e-9, "0.00000000125"],
    [1e21, "1000000000000000000000"],
    [1.5e22, "15000000000000000000000"],
    [-1.5e-7, "-0.00000015"],
    [Number.NaN, "NaN"],
    [Infinity, "+Inf"],
    [-Infinity, "-Inf"],
  ];
  for (const [value, text] of table) assert.equal(written(value), text);
});

test("metrics are read with their labels, escapes and comments", () => {
  const text =
    '# HELP x something\n# TYPE x counter\nx{a="b\\"c\\\\d\\ne",f=""} 1.5e3\ny 2 1700000000000\nz_bucket{le="+Inf"} +Inf\n';
  assert.deepEqual(parseExposition(text), [
    { labels: { a: 'b"c\\d\ne', f: "", __name__: "x" }, value: 1_500 },
    { labels: { __name__: "y" }, value: 2, at: 1_700_000_000_000 },
    { labels: { le: "+Inf", __name__: "z_bucket" }, value: Infinity },
  ]);
  assert.throws(() => parseExposition("<html>"), /no line of metrics: <html>/);
});
