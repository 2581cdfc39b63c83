import { tell, withNext } from "../../lib/errors.ts";
import { clip, oneLine } from "../../lib/markdown.ts";
import type { Reporter } from "../../ports/reporter.ts";
import type { Account } from "../../release/account.ts";
import { heldBy } from "../../release/state.ts";
import { createOutbox } from "../../reporting/outbox.ts";
import { headlineOf } from "../../words/headline.ts";
import { say } from "../../words/say.ts";
import type { Clock } from "../../world/clock.ts";
import type { CommitStatus, GitHub, Repository } from "./github.ts";
import { lackOfToken } from "./github-error.ts";

export type CommitStatusOptions = {
  readonly clock: Clock;
  readonly github: GitHub;
  readonly repository: Repository;
  readonly sha: string;
  readonly environment: string;
  readonly warn: (message: string) => void;
};

const permission = "The job's token needs the permission `statuses: write`.";

/** Longer descriptions are answered with 422. */
const longestDescription = 140;

/** A status on the commit: `canary/reviews: 25% on the canary (stage 2 of 3)`. */
export function commitStatus({ clock, github, repository, sha, environment, warn }: CommitStatusOptions): Reporter {
  const warned = new Set<string>();
  const outbox = createOutbox({
    clock,
    send: (account, signal) => github.setStatus(repository, sha, statusOf(account, environment), signal),
    failed(error) {
      const message = withNext(`the commit's status is not set: ${tell(error)}.`, lackOfToken(error, permission));
      if (!warned.has(message)) warn(message);
      warned.add(message);
    },
    gist: (account) => JSON.stringify([stateOf(account), headlineOf(account)]),
  });
  return { report: outbox.offer, flush: outbox.flush };
}

export function statusOf(account: Account, environment: string): CommitStatus {
  const { words } = headlineOf(account);
  const why = whyBack(account);
  const description = why === undefined ? words : `${words}: ${why}`;
  return {
    state: stateOf(account),
    context: ["canary", environment, account.target.service].filter((part) => part !== "").join("/"),
    description: clip(oneLine(description), longestDescription),
    url: account.run.url,
  };
}

/** Of a release that goes back, or got stuck. A headline says enough of one that waits. */
function whyBack(account: Account): string | undefined {
  const { state } = account;
  if (!("reason" in state) || state.phase === "waiting") return undefined;
  return say(state.reason, account);
}

function stateOf({ state, settled }: Account): CommitStatus["state"] {
  if (settled === false) return "error";
  switch (state.phase) {
    case "succeeded":
      return "success";
    case "rolled-back":
      return "failure";
    case "failed":
      return "error";
    case "waiting": // Approval is part of the plan; a release that is held failed its job, and stays so until somebody decides.
      return heldBy(state) ? "error" : "pending";
    default:
      return "pending";
  }
}
