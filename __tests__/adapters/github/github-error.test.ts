import assert from "node:assert/strict";
import test from "node:test";
import { GitHubError, githubError, lackOfToken } from "../../../src/adapters/github/github-error.ts";
import { UnreachableError } from "../../../src/lib/errors.ts";

const now = 1_000_000;
const answer = (status: number, headers: object = {}, data: unknown = { message: "no" }): object => ({
  status,
  response: { headers, data },
});
const read = (thrown: unknown): GitHubError => {
  const error = githubError("creating a comment", thrown, now);
  assert.ok(error instanceof GitHubError);
  return error;
};

test("what Octokit did not throw is left as it is", () => {
  const defect = new TypeError("a defect");
  assert.equal(githubError("creating a comment", defect, now), defect);
});

test("no answer at all is what the network said", () => {
  const cause = new UnreachableError("GET https://api.github.test: connection refused");
  assert.equal(githubError("creating a comment", { status: 500, cause }, now), cause);
});

test("an answer says what was asked for, what GitHub said, and its status", () => {
  assert.equal(read(answer(422)).message, "GitHub: creating a comment: no (422)");
  assert.equal(read(answer(502, {}, "<html>")).message, "GitHub: creating a comment: no explanation was given (502)");
  const graphql = { name: "GraphqlResponseError", headers: {}, errors: [{ message: "a" }, { message: "b" }] };
  assert.equal(read(graphql).message, "GitHub: creating a comment: a; b (200)");
});

const waits = [
  ["a pause in seconds", answer(403, { "retry-after": "7" }), now + 7_000],
  [
    "a spent limit until its reset",
    answer(403, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "2000" }),
    2_000_000,
  ],
  [
    "a reset of a limit that is not spent",
    answer(403, { "x-ratelimit-remaining": "9", "x-ratelimit-reset": "2000" }),
    undefined,
  ],
  ["too many requests without a word on when", answer(429), now + 60_000],
  [
    "a limit that only the message names",
    answer(403, {}, { message: "You exceeded a secondary rate limit" }),
    now + 60_000,
  ],
  ["a refusal", answer(403), undefined],
  ["a pause that comes with a failure", answer(503, { "retry-after": "7" }), undefined],
  ["a header that is no number", answer(429, { "retry-after": "soon" }), now + 60_000],
] as const;

for (const [name, thrown, busyUntil] of waits)
  test(`${name}: left alone until ${busyUntil}`, () => assert.equal(read(thrown).busyUntil, busyUntil));

const lacks = [
  ["a token that is not valid", answer(401), "The token is not valid, or not any more."],
  ["a permission that is missing", answer(403), "needs it"],
  ["a place that it may not see", answer(404), "needs it"],
  ["a limit", answer(403, { "retry-after": "7" }), undefined],
  ["anything else", answer(422), undefined],
] as const;

for (const [name, thrown, lack] of lacks)
  test(`${name} is ${lack ?? "no lack of the token's"}`, () =>
    assert.equal(lackOfToken(read(thrown), "needs it"), lack));

test("an error that is not GitHub's is no lack of the token's", () => {
  assert.equal(lackOfToken(new UnreachableError("away"), "needs it"), undefined);
});
