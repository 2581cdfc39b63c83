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
