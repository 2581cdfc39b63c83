import assert from "node:assert/strict";
import test from "node:test";
import type { Session } from "../../src/commands/session.ts";
import { withRoutes, withRoutesIfFound } from "../../src/commands/with-routes.ts";
import { planOf, target } from "../support/world.ts";

type Found = Session["findRoutes"];

/** The routes that a command is given, by their names. */
async function given(wrap: typeof withRoutes, findRoutes: Found, findsRoutes = true): Promise<readonly string[]> {
  let names: readonly string[] = [];
  const command = wrap(async ({ config }) => {
    names = (config.release?.target.routes ?? []).map(({ kind, name }) => `${kind} ${name}`);
    return 0;
  });
  await command({ config: { release: { target, plan: planOf() }, findsRoutes }, findRoutes } as unknown as Session);
  return names;
}

const usual = target.routes.map(({ kind, name }) => `${kind} ${name}`);
const other = { kind: "HTTPRoute", namespace: "shop", name: "front", routes: [] } as const;
const finding =
  (...found: Awaited<ReturnType<Found>>): Found =>
  async () =>
    found;
const away: Found = async () => {
  throw new Error("away");
};

test("a command gets the one route that was found, and the usual one where there is none, or one was named", async () => {
  for (const wrap of [withRoutes, withRoutesIfFound]) {
    assert.deepEqual(await given(wrap, finding(other)), ["HTTPRoute front"]);
    assert.deepEqual(await given(wrap, finding()), usual);
    assert.deepEqual(await given(wrap, away, false), usual);
  }
});

test("of several none is guessed by whoever begins something, and nobody is kept from ending something", async () => {
  const several = finding(other, { ...other, name: "back" });
  await assert.rejects(given(withRoutes, several), {
    name: "RefusedError",
    message: /^Several routes send to reviews \(HTTPRoute shop\/front, HTTPRoute shop\/back\)/,
    next: "Name the one whose weights are to move: routes: { httpRoute: front }; or all of them, in a list.",
  });
  assert.deepEqual(await given(withRoutesIfFound, several), usual);
  assert.deepEqual(await given(withRoutesIfFound, away), usual);
});
