import { clip, oneLine } from "../lib/markdown.ts";
import type { Account } from "../release/account.ts";
import { knownImage } from "../release/known-image.ts";
import { heldBy, isRunning } from "../release/state.ts";
import type { NewsKind } from "../release/webhook.ts";
import { commandNow } from "./command-now.ts";
import { headlineOf } from "./headline.ts";
import type { Notice } from "./notice.ts";
import { say } from "./say.ts";
import { clusterWord } from "./scene-setting.ts";

/** One thing that happened to a release, in plain text: each form of a message escapes it for itself. */
export type News = {
  readonly kind: NewsKind;
  readonly mark: string;
  readonly namespace: string;
  readonly service: string;
  readonly cluster: string;
  readonly image?: string | undefined;
  readonly headline: string;
  readonly because: string;
  /** What a person would run now. */
  readonly next?: string | undefined;
  /** The page of the run. */
  readonly url?: string | undefined;
  readonly at: number;
};

const longest = 1_000;
const short = (text: string): string => clip(oneLine(text), longest);

/** Of a release as it stands; undefined while nothing has come of it that anybody waits for. */
export function newsOf(account: Account): News | undefined {
  const kind = kindOf(account);
  if (kind === undefined) return undefined;
  const { mark, words } = headlineOf(account);
  const { namespace, service } = account.target;
  return {
    kind,
    mark,
    namespace,
    service,
    cluster: clusterWord(account.cluster),
    image: knownImage(account),
    headline: short(words),
    because: short(say(account.reason)),
    next: kind === "started" ? undefined : commandNow(account),
    url: account.run.url,
    at: account.now,
  };
}

/** What is not as it should be is a failure, however the release ended: somebody has to look. */
function kindOf({ state, settled }: Account): NewsKind | undefined {
  if (state.phase === "preparing") return "started";
  if (isRunning(state) || settled === undefined) return undefined;
  if (!settled || state.phase === "failed") return "failed";
  if (state.phase === "waiting") return heldBy(state) ? "held" : "waiting";
  return state.phase;
}

/** Of a release that was refused. A plan is nobody's news. */
export function newsOfNotice(notice: Notice): News | undefined {
  if (notice.kind !== "refused" || notice.command === "plan") return undefined;
  const { subject, cluster, run, image, lines, command, at } = notice;
  return {
    kind: "refused",
    mark: "❌",
    ...subject,
    cluster: clusterWord(cluster),
    image,
    headline: `${command} refused, and nothing was changed`,
    because: short(lines.join(" ")),
    url: run.url,
    at,
  };
}
