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

const pairs = [...bytes].map((byte) => byte.toString(16).padStart(2, "0"));

const codesOf = (before: string, digits: number, after = ""): string =>
  [...secret].map((c) => before + c.charCodeAt(0).toString(16).padStart(digits, "0") + after).join("");

const forms: readonly (readonly [what: string, written: string])[] = [
  ["in a URL", encoded],
  ["in a URL, in small letters", encoded.replace(/%../g, (code) => code.toLowerCase())],
  ["in a form", new URLSearchParams({ secret }).toString().slice("secret=".length)],
  ["in JSON", JSON.stringify(secret)],
  ["in JSON in JSON", JSON.stringify(JSON.stringify(secret))],
  ["in JSON as Go writes it", JSON.stringify(secret).replace(/[<>&]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`)],
  ["in JSON as Python writes it", JSON.stringify(secret).replace("é", "\\u00e9")],
  ["in HTML", secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&#34;")],
  ["in JSON with every character as a code", codesOf(String.raw`\u`, 4)],
  ["in JSON in which a slash is escaped, too", JSON.stringify(secret).replaceAll("/", String.raw`\/`)],
  ["in a URL, byte by byte", pairs.map((pair) => `%${pair}`).join("")],
  ["in a URL in a URL", encodeURIComponent(encoded)],
  ["in a URL in JSON in JSON", JSON.stringify(JSON.stringify(encoded))],
  ["in HTML with every character as a number", [...secret].map((c) => `&#${c.codePointAt(0)};`).join("")],
  ["in HTML with every character as a hexadecimal number", codesOf("&#x", 1, ";")],
  ["in HTML in JSON", JSON.stringify(secret.replaceAll("&", "&#38;").replaceAll('"', "&#34;"))],
  ["as Python writes bytes", pairs.map((pair) => String.raw`\x${pair}`).join("")],
  ["as Go writes bytes", `[${bytes.join(" ")}]`],
  ["as JSON writes bytes", JSON.stringify([...bytes])],
  ["as Python writes a list of bytes", `[${bytes.join(", ")}]`],
  ["in hexadecimal", bytes.toString("hex")],
  ["in hexadecimal with capitals", bytes.toString("hex").toUpperCase()],
  ["broken by the end of a line", `${secret.slice(0, 9)}\n${secret.slice(9)}`],
  ["broken by white space at any place", [...secret].join(" ")],
  ["broken by a character of no width", `${secret.slice(0, 9)}\u200b${secret.slice(9)}`],
  ["broken by a colour", `${secret.slice(0, 9)}\u001b[31m${secret.slice(9)}\u001b[0m`],
  ["in JSON, broken by the end of a line", JSON.stringify(`${secret.slice(0, 9)}\r\n${secret.slice(9)}`)],
  ["in base64 of a URL's form", Buffer.from(encoded).toString("base64")],
  ["in base64 of JSON", Buffer.from(JSON.stringify(secret)).toString("base64")],
  ["in base64 of base64", Buffer.from(bytes.toString("base64")).toString("base64")],
  ["in base64 in a URL", encodeURIComponent(bytes.toString("base64"))],
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

test("base64 may be broken into lines anywhere", () => {
  const { register, redact } = createRedaction();
  register(secret);
  const text = Buffer.from(`{"user":"ada","password":${JSON.stringify(secret)},"more":"and more"}`).toString("base64");
  for (const width of [4, 20, 76]) {
    const shown = redact(`It said ${text.replace(new RegExp(`.{${width}}`, "g"), "$&\r\n")} to us`).replace(/\s/g, "");
    for (let at = 40; at < 56; at++) assert.ok(!shown.includes(text.slice(at, at + 6)), shown);
    assert.match(shown, /^Itsaid\w+\*\*\*[\w=]+tous$/);
  }
});

test("what only looks like an escape is found as it is, and around a secret everything stays as it was written", () => {
  const { register, redact } = createRedaction();
  for (const secret of [String.raw`a\b\/c%41&amp;`, "100%25&#65;xyz", "p@ss w0rd"]) register(secret);
  assert.equal(redact(String.raw`in a\b\/c%41&amp; out`), "in *** out");
  assert.equal(
    redact(JSON.stringify({ in: String.raw`a\b\/c%41&amp;`, out: "ä&lt;%20" })),
    '{"in":"***","out":"ä&lt;%20"}',
  );
  assert.equal(redact("%20100%25&#65;xyz&lt;&#39;"), "%20***&lt;&#39;");
  assert.equal(redact("&amp;p@ss%20w0rd\u200b\n%41p@ssw0rd"), "&amp;***\u200b\n%41***");
});

test("a short secret is not found in two words that happen to stand beside each other", () => {
  const { register, redact } = createRedaction();
  register("shop-2");
  assert.equal(redact("a workshop -2 of them"), "a workshop -2 of them");
  assert.equal(redact("%73hop-2"), "***");
});

test("a long text with many secrets is gone through once", () => {
  const { register, redact } = createRedaction();
  for (let number = 0; number < 1_000; number++) register(`secret-${number}-${"x".repeat(number % 50)}`);
  const text = `${"some words, \\u0041 and %41 &lt; ".repeat(20_000)} secret-7-xxxxxxx`;
  assert.ok(redact(text).endsWith(" ***"));
});
