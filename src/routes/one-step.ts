import { DeniedError, StrayedError, TakenOverError, tell, UnreachableError } from "../lib/errors.ts";
import { someOf } from "../lib/some-of.ts";
import type { MovedRoute, MovedRoutes } from "../ports/route-family.ts";
import type { Router } from "../ports/router.ts";
import { type Aim, aimOf } from "../release/aim.ts";
import type { Unserved } from "../release/observation.ts";
import type { PlannedTraffic } from "../release/planned-traffic.ts";
import type { Role } from "../release/target.ts";

/**
 * All the routes of a release as one step. Forward they are written one after the other, so that those behind a refusal
 * stay as they are; the rollback that follows gives back the ones before it. Back they are written all at once.
 */
export function oneStep(families: readonly MovedRoutes[]): Router {
  const routes = families.flatMap((family) => family.routes);
  /**
   * The newest aim alone is pursued: a stopped job may leave a write under way, and the rollback after it must not be
   * undone.
   */
  let newest = new AbortController();
  let underWay: Promise<void> | undefined;

  function supersede(): AbortSignal {
    newest.abort("superseded");
    newest = new AbortController();
    return newest.signal;
  }

  function forward(aim: Aim, from: From): Promise<void> {
    const work = inOrder(routes, aim, supersede(), from);
    const ended: Promise<void> = work
      .catch(() => undefined)
      .then(() => {
        if (underWay === ended) underWay = undefined;
      });
    underWay = ended;
    return work;
  }

  /** At once, and once more when a write that was under way has ended: it may have landed after the first look. */
  async function back(from: From): Promise<void> {
    const superseded = supersede();
    const earlier = underWay;
    await atOnce(routes, superseded, from);
    if (!earlier) return;
    await earlier;
    await atOnce(routes, superseded, from);
  }

  const compare = async (aim: Aim, next?: Aim): Promise<readonly string[]> =>
    (await Promise.all(routes.map((route) => route.differences(aim, next)))).flat();

  return {
    async prepare() {
      for (const family of families) await family.prepare();
    },
    write: (traffic, from) => forward(aimOf(traffic), from && [aimOf(from)]),
    async drift(traffic, next) {
      const differences = await compare(aimOf(traffic), next && aimOf(next));
      if (differences.length === 0) return undefined;
      return someOf(differences, "; ", 3);
    },
    async strayed(winner, from) {
      const end = aimFor(winner);
      const differences = await (from ? compare(aimOf(from), end) : compare(end));
      if (differences.length === 0) return undefined;
      const serving = await Promise.all(routes.map((route) => route.serving()));
      return { differences: someOf(differences, "; ", 3), serving: [...new Set(serving.flat())] };
    },
    async unserved(among) {
      const each = await Promise.all(families.map((family) => family.unserved(among)));
      return Object.assign({}, ...each) as Unserved;
    },
    finish(winner, from, next) {
      const written = from && [aimOf(from), ...aimsOf(next)];
      if (winner === "stable") return back(written);
      return forward({ to: "swapped" }, written);
    },
    async cleanUp(winner) {
      for (const family of families) await family.cleanUp(winner);
    },
    async splits() {
      return (await Promise.all(routes.map((route) => route.splits()))).flat();
    },
    async written() {
      return (await Promise.all(routes.map((route) => route.written()))).flat();
    },
    async fence() {
      await Promise.all(families.map((family) => family.fence()));
    },
    async takeBack() {
      await Promise.allSettled(routes.map((route) => route.takeBack()));
    },
    async differences(winner) {
      const all = await Promise.all([compare(aimFor(winner)), ...families.map((family) => family.differences(winner))]);
      return all.flat();
    },
  };
}

const aimFor = (winner: Role): Aim => (winner === "stable" ? { to: "before" } : { to: "swapped" });

/** All for the canary a promotion writes otherwise. */
const aimsOf = (traffic: PlannedTraffic | undefined): readonly Aim[] => {
  if (!traffic) return [];
  if (traffic.canary === 100) return [aimOf(traffic), { to: "swapped" }];
  return [aimOf(traffic)];
};

/** Whatever is not as one of these is somebody else's. Undefined: it is not asked. */
type From = readonly Aim[] | undefined;

async function inOrder(routes: readonly MovedRoute[], aim: Aim, superseded: AbortSignal, from: From): Promise<void> {
  for (const route of routes) await route.reach(aim, superseded, from);
}

/** Traffic back first: one route that refuses must not keep the others from being given back. */
async function atOnce(routes: readonly MovedRoute[], superseded: AbortSignal, from: From): Promise<void> {
  const results = await Promise.allSettled(routes.map((route) => route.reach({ to: "before" }, superseded, from)));
  const errors = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
  if (errors.length > 0) throw joined(errors);
}

/**
 * Several failures in one: lasting if any of them is. A release that is lost has no other trouble, and routes that have
 * to be looked at again are.
 */
function joined(errors: readonly unknown[]): unknown {
  const [only, ...more] = errors;
  if (more.length === 0) return only;
  const foremost = [TakenOverError, StrayedError].map((kind) => errors.find((error) => error instanceof kind));
  const [first] = foremost.filter((error) => error !== undefined);
  if (first !== undefined) return first;
  const message = errors.map(tell).join("; ");
  if (errors.every((error) => error instanceof UnreachableError)) return new UnreachableError(message, { cause: only });
  return new DeniedError(message, { cause: only });
}
