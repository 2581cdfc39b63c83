import assert from "node:assert/strict";
import test from "node:test";
import { startGitHub } from "../../../sandbox/github/github.ts";

const headers = { authorization: "Bearer ghs_token", "content-type": "application/json" };

test("a request that GitHub's description does not allow is refused and remembered", async (t) => {
  const sandbox = await startGitHub({ pulls: [{ number: 7, state: "open", commits: [] }] });
  t.after(() => sandbox.close());
  const answer = await fetch(`${sandbox.url}/repos/acme/shop/issues/7/comments`, {
    method: "POST",
    headers,
    body: JSON.stringify({ text: "no body" }),
  });
  assert.equal(answer.status, 422);
  assert.match(sandbox.violations.join(), /must have required property 'body'/);
  assert.deepEqual(sandbox.comments(7), []);
});

test("a path that the description does not have is not found", async (t) => {
  const sandbox = await startGitHub();
  t.after(() => sandbox.close());
  assert.equal((await fetch(`${sandbox.url}/repos/acme/shop/labels`, { headers })).status, 404);
});

test("a comment of more than 65,536 characters is refused", async (t) => {
  const sandbox = await startGitHub({ pulls: [{ number: 7, state: "open", commits: [] }] });
  t.after(() => sandbox.close());
  const post = (length: number) =>
    fetch(`${sandbox.url}/repos/acme/shop/issues/7/comments`, {
      method: "POST",
      headers,
      body: JSON.stringify({ body: "x".repeat(length) }),
    });
  assert.equal((await post(65_536)).status, 201);
  assert.equal((await post(65_537)).status, 422);
  assert.deepEqual(sandbox.violations, []);
});
