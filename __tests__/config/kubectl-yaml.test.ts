import assert from "node:assert/strict";
import test from "node:test";
import { loadAll } from "js-yaml";
import { kubectlSchema } from "../../src/config/kubectl-yaml.ts";

/** As `kubectl label --local -f FILE a=b -o json` of kubectl 1.32 prints them, which asks no server. */
const scalars: Readonly<Record<string, unknown>> = {
  "0400": 256,
  "0644": 420,
  "0o400": 256,
  "0O17": 15,
  "-0400": -256,
  "-0o17": -15,
  "0_7": 7,
  "089": 89,
  "08": 8,
  "09": 9,
  "08.5": 8.5,
  "0400.5": 400.5,
  "0b11": 3,
  "0B1": 1,
  "-0b11": -3,
  "+0b1": 1,
  "0x1F": 31,
  "0X1f": 31,
  "-0x1": -1,
  "1_000": 1000,
  "1__0": 10,
  "1_": 1,
  "+1": 1,
  "1.5": 1.5,
  "1.": 1,
  "0.": 0,
  ".5": 0.5,
  "+.5": 0.5,
  "1_0.5": 10.5,
  "685_230.15": 685230.15,
  "1e3": 1000,
  "1E5": 100000,
  "12e03": 12000,
  "6.02E23": 6.02e23,
  "99999999999999999999": 1e20,
  yes: true,
  No: false,
  on: true,
  y: true,
  N: false,
  "!!str 12": "12",
  "!!int 0o17": 15,
  "!!float 3": 3,
  "!!binary aGk=": "hi",
  "~": null,
  Null: null,
  "": null,
  "1:30": "1:30",
  "190:20:30.15": "190:20:30.15",
  "2001-12-14": "2001-12-14",
  "2001-12-14t21:59:43.10-05:00": "2001-12-14t21:59:43.10-05:00",
  "1e400": "1e400",
  "1e": "1e",
  "0o": "0o",
  "0x": "0x",
  "0b": "0b",
  "0xZ": "0xZ",
  _1: "_1",
  "._5": "._5",
  NaN: "NaN",
  tRUE: "tRUE",
  "=": "=",
};

const read = (text: string): unknown => loadAll(text, { schema: kubectlSchema })[0];

test("values in a manifest are what kubectl makes of them", () => {
  const found = Object.keys(scalars).map((scalar) => [scalar, Object(read(`a: ${scalar}\n`)).a]);
  assert.deepEqual(Object.fromEntries(found), scalars);
});

test("keys in a manifest are what kubectl makes of them, and << merges", () => {
  const text = "on: 1\n0400: 3\n1.5: 4\nm: &m {p: 1, q: 2}\nk: {<<: *m, q: 3}\nl: {<<: [{z: 1}, {z: 2, x: 3}]}\n";
  assert.deepEqual(read(text), {
    true: 1,
    256: 3,
    "1.5": 4,
    m: { p: 1, q: 2 },
    k: { p: 1, q: 3 },
    l: { z: 1, x: 3 },
  });
});

test("a key that is null is refused, as by kubectl", () => {
  for (const key of ["null", "~", "Null"]) assert.throws(() => read(`a: {${key}: 1}\n`), /a key is null/);
  assert.deepEqual(read('a: {"null": 1}\n'), { a: { null: 1 } });
});
