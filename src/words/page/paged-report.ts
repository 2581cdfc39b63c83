import type { Settings } from "../../evidence/defaults.ts";
import type { Ledger } from "../../evidence/ledger.ts";
import type { Count } from "../../evidence/tally.ts";
import type { Instant, Millis } from "../../lib/duration.ts";
import type { Role } from "../../release/target.ts";

/** What the page shows of a JSON report: data, and the sentences that stand beside it there. */
export type PagedReport = {
  readonly headline: { readonly mark: string; readonly words: string };
  readonly because: string;
  readonly target: {
    readonly namespace: string;
    readonly service: string;
    readonly stable: { readonly deployment: string };
    readonly canary: { readonly deployment: string };
    readonly image?: string | undefined;
  };
  readonly cluster?: { readonly context: string; readonly host: string } | undefined;
  readonly run: { readonly id: string; readonly url?: string | undefined; readonly actor?: string | undefined };
  readonly startedAt: Instant;
  readonly now: Instant;
  /** The canary's planned share at last, in percent. */
  readonly weight: number;
  readonly settled?: boolean | undefined;
  readonly differences?: readonly string[] | undefined;
  readonly warnings: readonly string[];
  readonly plan: {
    readonly stages: readonly {
      readonly weight: number;
      readonly wait: Millis;
      readonly deadline: Millis;
      readonly approval: boolean;
      readonly gates: readonly { readonly name: string }[];
    }[];
    readonly evidence: { readonly settings: Settings };
    readonly promotion: string;
    readonly drift: string;
    readonly pollEvery: Millis;
    readonly drain: Millis;
    readonly deadline: Millis;
  };
  readonly stages: readonly {
    readonly stage: number;
    readonly weight: number;
    readonly since: Instant;
    readonly until?: Instant | undefined;
    readonly tally: Readonly<Record<Role, Pick<Count, "requests" | "errors">>>;
    readonly verdicts: readonly { readonly gate: string; readonly kind: string; readonly because: string }[];
  }[];
  readonly log: readonly {
    readonly at: Instant;
    /** What was done: `route` writes weights, `finish` the last ones. */
    readonly do: string;
    readonly because: string;
    readonly times?: number | undefined;
  }[];
  readonly ledger: Ledger;
};
