import assert from "node:assert/strict";
import test from "node:test";
import {
  loginOf,
  placeOf,
  secretsByName,
  secretsInArguments,
  secretsInHeaders,
  secretsInSettings,
  secretsInUrls,
  secretsInWords,
} from "../../src/lib/credentials.ts";
import { createRedaction } from "../../src/lib/redaction.ts";

const basic = `Basic ${Buffer.from("ada:open sesame").toString("base64")}`;

const headers: readonly (readonly [what: string, name: string, value: string, secrets: readonly string[]])[] = [
  ["a token without its scheme", "Authorization", "Bearer abc.def", ["abc.def"]],
  ["a pair, and the password in it", "authorization", basic, [basic.slice(6), "ada:open sesame", "open sesame"]],
  ["a token, whatever its scheme is called", "authorization", "token ghp-22", ["ghp-22"]],
  ["a password after a scheme, although it is a word", "Authorization", "ApiKey hunter", ["hunter"]],
  [
    "a credential of several words as a whole, and each of them",
    "Authorization",
    'Digest username="ada", nonce="b2"',
    ['Digest username="ada", nonce="b2"', "b2"],
  ],
  [
    "each value of a cookie, and not what is set to a word",
    "Cookie",
    "session=hunter; theme=dark; sid2=q7%3DRk==",
    ["session=hunter; theme=dark; sid2=q7%3DRk==", "hunter", "q7%3DRk==", "q7=Rk=="],
  ],
  ["not a word by which people write", "X-Author", "succeeded", []],
  ["not where somebody logs in", "X-Auth-Realm", "shop", []],
  ["a credential, although somebody wrote its name together", "x-authtoken", "hunter", ["hunter"]],
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

const showing = (secrets: readonly string[], text: string): string => {
  const redaction = createRedaction();
  for (const secret of secrets) redaction.register(secret);
  return redaction.redact(text);
};

const logins: readonly (readonly [userinfo: string, password: string])[] = [
  ["ada:p%40ss", "p@ss"],
  ["us%40er:p%40ss%2Fword", "p@ss/word"],
  ["us@er:p@ssword", "p@ssword"],
  ["ada:100%", "100%"],
  ["t0ken", "t0ken"],
  ["t0kn", "t0kn"],
  ["ada:p:a:s:s", "p:a:s:s"],
  ["ada:%22quoted%22", '"quoted"'],
];

for (const [userinfo, password] of logins)
  test(`of a URL with ${userinfo} nothing is shown of the login, neither as it is written, meant and sent, nor in JSON`, () => {
    const url = `http://${userinfo}@prom.example/a@b`;
    const { username, password: written, authorization } = sent(url);
    const secrets = secretsInUrls(`GET ${url}, and so on`);
    assert.equal(showing(secrets, url), "http://***@prom.example/a@b");
    assert.equal(showing(secrets, authorization), "Basic ***");
    assert.equal(showing(secrets, password), "***");
    assert.equal(showing(secrets, JSON.stringify(`${username}:${written}`)), '"***"');
    assert.equal(showing(secrets, new URL(url).href), "http://***@prom.example/a@b");
    assert.equal(showing(secrets, encodeURIComponent(`${username}:${written}`)), "***");
  });

/** As RFC 7617 has it: what the URL means, in base64 (without what fills it up at its end). */
function sent(url: string): { readonly username: string; readonly password: string; readonly authorization: string } {
  const { username, password } = loginOf(new URL(url));
  const pair = Buffer.from(`${username}:${password}`).toString("base64").replace(/=+$/, "");
  return { username, password, authorization: `Basic ${pair}` };
}

test("what stands behind an @ that is no login's is no secret", () =>
  assert.deepEqual(secretsInUrls("https://prom.example/a@b, ada@example.com, //, https://a.example?to=b@c"), []));

test("of a URL's query it is secret what is called so, as it is written and as it is meant", () => {
  assert.deepEqual(secretsInUrls("see https://prom.example/a?env=production&token=a%2Fb+c&api%5Fkey=d#token=e"), [
    "a%2Fb+c",
    "a/b c",
    "d",
    "d",
  ]);
  assert.deepEqual(secretsInUrls("what? token=abc&key=def, https://prom.example?token&key="), []);
});

test("of a URL only the place is told", () => {
  assert.equal(
    placeOf("http://ada:pw@prom.example:9090/prometheus/?token=abc#d"),
    "http://prom.example:9090/prometheus",
  );
  assert.equal(placeOf("https://prom.example"), "https://prom.example");
});

test("of a plugin's arguments it is secret what is called so", () =>
  assert.deepEqual(
    secretsInArguments([
      "get-token",
      "--oidc-client-secret=a",
      "--token",
      "b",
      "--verbose",
      "--key-id",
      "--region",
      "c",
    ]),
    ["a", "b"],
  ));

test("of settings it is secret what is called so", () => {
  assert.deepEqual(secretsByName({ AWS_SECRET_ACCESS_KEY: "a", AWS_PROFILE: "b", "id-token": "c", expiry: 5 }), [
    "a",
    "c",
  ]);
});

test("settings of a program have secrets in their URLs, and behind names that say so; plain words are none", () => {
  const settings = "url=https://ada:q7Rk22@db.test/x\nPASSWORD=s3cr3t-9\nMODE=fast\n";
  const found = secretsInSettings(settings);
  for (const secret of ["q7Rk22", "s3cr3t-9"]) assert.ok(found.includes(secret), JSON.stringify(found));
  assert.ok(!found.includes("fast"), JSON.stringify(found));
});

test("of words neither the names of options nor plain ones are secret", () => {
  const found = secretsInWords("--token=q7Rk22 --verbose run s3cr3t-9.");
  for (const secret of ["q7Rk22", "s3cr3t-9."]) assert.ok(found.includes(secret), JSON.stringify(found));
  for (const word of ["--verbose", "run"]) assert.ok(!found.includes(word), JSON.stringify(found));
});
