import assert from "node:assert/strict";
import test from "node:test";
import { secretsByName, secretsInHeaders, secretsInUrls } from "../../src/lib/credentials.ts";

const basic = `Basic ${Buffer.from("ada:open sesame").toString("base64")}`;

const headers: readonly (readonly [what: string, name: string, value: string, secrets: readonly string[]])[] = [
  ["a token without its scheme", "Authorization", "Bearer abc.def", ["abc.def"]],
  ["a pair, and the password in it", "authorization", basic, [basic.slice(6), "open sesame"]],
  [
    "a credential of several words as a whole",
    "Authorization",
    "AWS4 Credential=a, Signature=b",
    ["AWS4 Credential=a, Signature=b"],
  ],
  ["a password, although it is a word", "X-Password", "hunter", ["hunter"]],
  ["whatever a header of an unknown name holds", "X-Prom", "q7Rk-22", ["q7Rk-22"]],
  ["not a host", "Host", "reviews.example.com", []],
  ["not a tenant", "X-Scope-OrgID", "shop-42", []],
  ["not the tenant of Thanos", "THANOS-TENANT", "shop-42", []],
  ["not a word by which a route chooses", "x-canary", "always", []],
  ["not a number", "x-priority", "5", []],
];

for (const [what, name, value, secrets] of headers)
  test(`of headers it is secret: ${what}`, () => assert.deepEqual(secretsInHeaders({ [name]: value }), secrets));

test("of a URL its credentials are secret, as they are written and as they are meant", () => {
  assert.deepEqual(secretsInUrls("GET http://ada:p%40ss@prom.example/a and https://t0ken@git.example/b@c"), [
    "ada:p%40ss",
    "p%40ss",
    "p@ss",
    "t0ken",
    "t0ken",
    "t0ken",
  ]);
  assert.deepEqual(secretsInUrls("https://prom.example/a@b, ada@example.com, //"), []);
  assert.deepEqual(secretsInUrls("http://ada:100%@prom.example"), ["ada:100%", "100%", "100%"]);
});

test("of settings it is secret what is called so", () => {
  assert.deepEqual(secretsByName({ AWS_SECRET_ACCESS_KEY: "a", AWS_PROFILE: "b", "id-token": "c", expiry: 5 }), [
    "a",
    "c",
  ]);
});
