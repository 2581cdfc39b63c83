import { RefusedError } from "../lib/errors.ts";
import { someOf } from "../lib/some-of.ts";
import { routeWord } from "../release/route-kind.ts";
import type { RouteChoice, Target } from "../release/target.ts";
import { routeKindWords } from "../words/route-kind-words.ts";
import type { ExitCode, Session } from "./session.ts";

type LookingSession = Pick<Session, "config" | "findRoutes">;
type CommandIn<S> = (session: S) => Promise<ExitCode>;

/**
 * A command that begins something knows the one route that is meant where the configuration names none, or says that it
 * does not.
 */
export const withRoutes =
  <S extends LookingSession = Session>(command: CommandIn<S>): CommandIn<S> =>
  (session) =>
    knowing(session, command, async (target) => {
      const found = await session.findRoutes(target);
      if (found.length > 1) throw ambiguous(target, found);
      return found;
    });

/** One that ends something is kept by nothing: where nothing is found it goes by what the journal has. */
export const withRoutesIfFound =
  <S extends LookingSession = Session>(command: CommandIn<S>): CommandIn<S> =>
  (session) =>
    knowing(session, command, (target) => session.findRoutes(target).catch(() => []));

async function knowing<S extends LookingSession>(
  session: S,
  command: CommandIn<S>,
  find: (target: Target) => Promise<readonly RouteChoice[]>,
): Promise<ExitCode> {
  const { release, findsRoutes } = session.config;
  if (!release || !findsRoutes) return command(session);
  const found = await find(release.target);
  // Of none preflight says what is there.
  const target = found.length === 1 ? { ...release.target, routes: found } : release.target;
  return command({ ...session, config: { ...session.config, release: { ...release, target } } });
}

function ambiguous({ service, routes }: Target, found: readonly RouteChoice[]): RefusedError {
  const words = someOf(found.map(routeWord), ", ", 5);
  const [example] = found.map(({ kind, name }) => `{ ${routeKindWords[kind].key}: ${name} }`);
  return new RefusedError(
    `Several routes send to ${service} (${words}), none is ${routes.map(routeWord).join()}, and the configuration names none.`,
    { next: `Name the one whose weights are to move: routes: ${example}; or all of them, in a list.` },
  );
}
