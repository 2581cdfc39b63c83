import { objectAt } from "../kubernetes/field.ts";
import type { Fence } from "../ports/fence.ts";
import type { Permission } from "../ports/permission.ts";
import type { RouteFamily, RouteLook } from "../ports/route-family.ts";
import type { Router } from "../ports/router.ts";
import type { BesideWeights } from "../release/plan.ts";
import { kindsAmong } from "../release/route-kind.ts";
import type { Role, RouteChoice, Target } from "../release/target.ts";
import { oneStep } from "./one-step.ts";

/** The routes of every kind, as one. */
export interface Routes {
  readonly permissions: readonly Permission[];
  /** The versions that have requests now. */
  serving(target: Target): Promise<readonly Role[]>;
  /** The one version that has all the traffic of both; undefined while both have some, or none has. */
  soleServer(target: Target): Promise<Role | undefined>;
  look(target: Target): RouteLook;
  /** Where nobody has named a route: what the target stands for, if it is there, or else whatever sends to the service. */
  find(target: Target): Promise<readonly RouteChoice[]>;
  /** Each kind's own JSON under its name. */
  capture(target: Target, plan?: BesideWeights): Promise<Readonly<Record<string, unknown>>>;
  /** The same, if stable had the requests of both versions. */
  captureGivenBack(target: Target): Promise<Readonly<Record<string, unknown>>>;
  /** `before` is what `capture` gave, read back from the journal. */
  router(target: Target, before: unknown, fence: Fence): Router;
}

export function allRoutes(families: readonly RouteFamily[]): Routes {
  const chosenBy = ({ routes }: Target): readonly RouteFamily[] =>
    families.filter(({ kind }) => kindsAmong(routes).includes(kind));

  async function captured(
    target: Target,
    capture: (family: RouteFamily) => Promise<unknown>,
  ): Promise<Readonly<Record<string, unknown>>> {
    const each = chosenBy(target).map(async (family) => [family.kind, await capture(family)] as const);
    return Object.fromEntries(await Promise.all(each));
  }

  async function serving(target: Target): Promise<readonly Role[]> {
    const each = await Promise.all(chosenBy(target).map((family) => family.serving(target)));
    return [...new Set(each.flat())];
  }

  return {
    permissions: families.flatMap(({ permissions }) => permissions),
    serving,
    async soleServer(target) {
      const [role, ...more] = await serving(target);
      if (more.length === 0) return role;
      return undefined;
    },
    async find(target) {
      const senders: RouteChoice[] = [];
      for (const family of families) {
        const found = await family.find(target);
        if (found.hasChosen) return target.routes;
        senders.push(...found.senders);
      }
      return senders;
    },
    look: (target) => ({
      async survey() {
        const surveys = await Promise.all(families.map((family) => family.look(target).survey()));
        return {
          facts: surveys.flatMap(({ facts }) => facts),
          chosen: surveys.flatMap(({ chosen }) => chosen),
        };
      },
      async inspect(plan) {
        const findings = await Promise.all(chosenBy(target).map((family) => family.look(target).inspect(plan)));
        return findings.flat();
      },
      async everywhere() {
        const surveys = await Promise.all(families.map((family) => family.look(target).everywhere()));
        return {
          facts: surveys.flatMap(({ facts }) => facts),
          unread: surveys.flatMap(({ unread }) => unread),
        };
      },
    }),
    capture: (target, plan) => captured(target, (family) => family.capture(target, plan)),
    captureGivenBack: (target) => captured(target, (family) => family.captureGivenBack(target)),
    router(target, before, fence) {
      const stored = objectAt(before);
      const moved = families.filter(({ kind }) => stored[kind] !== undefined);
      return oneStep(moved.map((family) => family.moved(target, stored[family.kind], fence)));
    },
  };
}
