import assert from "node:assert/strict";
import test from "node:test";
import { createRedaction } from "../../src/lib/redaction.ts";

test("a secret is shown nowhere: not as it is, not in a URL, not in JSON, not in base64", () => {
  const { register, redact } = createRedaction();
  const secret = 's3cr&t "quoted"';
  register(secret);
  const forms = [
    secret,
    encodeURIComponent(secret),
    JSON.stringify({ secret }),
    `Basic ${Buffer.from(secret).toString("base64")}`,
  ];
  for (const form of forms) assert.doesNotMatch(redact(`a ${form} b`), /s3cr|quoted|czNjc/);
});

test("what is not secret stays as it is", () => {
  const { register, redact } = createRedaction();
  register("hunter22");
  assert.equal(redact("errors: 12 of 60 requests failed"), "errors: 12 of 60 requests failed");
});

test("each line of a secret is one", () => {
  const { register, redact } = createRedaction();
  register("first-line\r\nsecond-line\n");
  assert.equal(redact("first-line, then second-line"), "***, then ***");
});

test("a secret that contains another one is taken out whole", () => {
  const { register, redact } = createRedaction();
  register("token");
  register("token-and-more");
  assert.equal(redact("x token-and-more y token z"), "x *** y *** z");
});

test("an empty or very short secret would take every other line apart, and is left alone", () => {
  const { register, redact } = createRedaction();
  register("");
  register("on");
  assert.equal(redact("one stage goes on"), "one stage goes on");
});

test("every string in a value is redacted and everything else kept", () => {
  const { register, redactAll } = createRedaction();
  register("hunter22");
  assert.deepEqual(redactAll({ a: ["x hunter22", 1, null], b: { c: true, d: "hunter22" }, e: undefined }), {
    a: ["x ***", 1, null],
    b: { c: true, d: "***" },
    e: undefined,
  });
});

test("a new secret is announced once, so that the runner can mask it", () => {
  const announced: string[] = [];
  const { register } = createRedaction((secret) => announced.push(secret));
  register("hunter22");
  register("hunter22");
  register("other-one\nhunter22");
  assert.deepEqual(announced, ["hunter22", "other-one"]);
});

const secret = 'to/k+en&"42"<é>-of-nobody';
const bytes = Buffer.from(secret);
const encoded = encodeURIComponent(secret);

const forms: readonly (readonly [what: string, written: string])[] = [
  ["in a URL", encoded],
  ["in a URL, in small letters", encoded.replace(/%../g, (code) => code.toLowerCase())],
  ["in a form", new URLSearchParams({ secret }).toString().slice("secret=".length)],
  ["in JSON", JSON.stringify(secret)],
  ["in JSON in JSON", JSON.stringify(JSON.stringify(secret))],
  ["in JSON as Go writes it", JSON.stringify(secret).replace(/[<>&]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`)],
  ["in JSON as Python writes it", JSON.stringify(secret).replace("é", "\\u00e9")],
  ["in HTML", secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&#34;")],
  ["in hexadecimal", bytes.toString("hex")],
  ...["", "a", "ab", "abc", "Bearer ", "ada:"].flatMap((before): (readonly [string, string])[] =>
    ["", "a", "ab", "abc", ":more"].flatMap((after): (readonly [string, string])[] => {
      const around = Buffer.concat([Buffer.from(before), bytes, Buffer.from(after)]);
      return [
        [`in base64 after "${before}" and before "${after}"`, around.toString("base64")],
        [`in base64 for URLs after "${before}" and before "${after}"`, around.toString("base64url")],
      ];
    }),
  ),
];

for (const [what, written] of forms)
  test(`a secret is not shown ${what}`, () => {
    const { register, redact } = createRedaction();
    register(secret);
    const shown = redact(`It said ${written} to us`);
    assert.match(shown, /^It said .*\*\*\*.* to us$/);
    // of base64 a character at either end belongs to what stands beside the secret as well
    assert.ok(shown.length < "It said *** to us".length + 24, shown);
    for (const part of [written.slice(4, 12), written.slice(-14, -6)]) assert.ok(!shown.includes(part), shown);
  });

test("of a long secret that somebody has cut nothing is shown, and of what only begins like one all", () => {
  const { register, redact } = createRedaction();
  const token = "https-token-0123456789-abcdefghijkl";
  register(token);
  register("https-token");
  assert.equal(redact(`Bearer ${token.slice(0, 30)}…`), "Bearer ***…");
  assert.equal(redact(`${Buffer.from(token).toString("base64").slice(0, 20)}...`), "***...");
  assert.equal(redact(`${token}${token.slice(0, 16)}`), "******");
  assert.equal(redact("https-tok"), "https-tok");
  assert.equal(redact("https-token-0124"), "***-0124");
});

test("what a machine reads is left as it is where it is named so", () => {
  const { register, redactAll } = createRedaction();
  register("succeeded");
  const state = { phase: "succeeded", because: "it succeeded", within: [{ phase: "succeeded" }] };
  assert.deepEqual(redactAll(state, new Set(["phase"])), {
    phase: "succeeded",
    because: "it ***",
    within: [{ phase: "succeeded" }],
  });
});
