/** What a row says. What the command does is found by its name in `src/dispatch.ts`: config/ knows nothing of it. */
type WrittenRow = {
  readonly name: string;
  /** One line for `--help`. */
  readonly purpose: string;
  /** In brackets after its name where the input `command` is described; absent where the name says it. */
  readonly inBrief?: string;
  /** For docs/commands.md: what it does, and with which codes it exits. */
  readonly does: string;
  readonly exits: string;
  /**
   * Sections of the file that must be right; problems elsewhere are warnings, so that a broken file keeps nobody from
   * rolling back.
   */
  readonly needs: "everything" | readonly string[];
  /** Groups of inputs that mean something to it, besides those that follow from the columns below. */
  readonly reads: readonly InputGroup[];
  /** It may change the cluster: it tells people through reporters, and the action settles what it leaves. */
  readonly changes: boolean;
  /** It asks a cluster. Without one there is no session, and a signal ends it at once. */
  readonly inCluster: boolean;
  /** It can print JSON instead of text. */
  readonly json: boolean;
  /** The input that its second word stands for: `replay canary-report.json`. */
  readonly argument?: "report";
};

/** Inputs that are read together. */
export type InputGroup =
  | "service" //    which service, and the file that says the rest
  | "versions" //   which Deployments, and their destinations
  | "image" //      the version that is meant
  | "release" //    how the canary is made, promoted and taken away
  | "routes"
  | "course" //     stages, gates, evidence and the times between
  | "metrics"
  | "report"
  | "files" //      a folder with manifests instead of a cluster
  | "init" //       what a first release is prepared with
  | "verify"
  | "rehearse";

/** What names a service and its cluster: with it the journal is found, which has the rest. */
export const service = ["namespace", "service", "cluster"] as const;

/**
 * The commands, in the order of every list. Their type, the help, the inputs that each one reads, what must be right in
 * its configuration, the condition in action.yml and docs/commands.md follow from these rows. A new command is one
 * row more, and its function in `src/dispatch.ts`, which the compiler asks for.
 */
const rows = [
  {
    name: "init",
    purpose: "Write what a service lacks for its first release as files to review, and apply nothing.",
    inBrief: "write what a first release lacks, as files to review",
    does: "looks at a namespace, or with `--files DIR` at manifests, and writes what is missing for a first release as files to review: routes, subsets, account, configuration, workflow. Applies nothing, and writes over no file",
    exits: "0; 2 it cannot be prepared, and nothing was written; 3 something is left that only you can decide",
    needs: ["service", "cluster"],
    reads: ["service", "files", "init"],
    changes: false,
    inCluster: true,
    json: false,
  },
  {
    name: "release",
    purpose: "Release a new version: deploy the canary, move the weights, promote or roll back.",
    inBrief: "the whole job",
    does: "the whole job",
    exits: "0, 1, 2, 3",
    needs: "everything",
    reads: ["service", "versions", "release", "image", "routes", "course", "metrics", "report"],
    changes: true,
    inCluster: true,
    json: false,
  },
  {
    name: "plan",
    purpose: "Say what a release would do, run every check, and change nothing.",
    inBrief: "say what a release would do, and change nothing",
    does: "says what a release would do and what it would find, and makes every check; changes nothing. With `--files DIR` it looks at manifests and at no cluster",
    exits: "0, 2",
    needs: "everything",
    reads: ["service", "versions", "release", "image", "routes", "course", "metrics", "files"],
    changes: false,
    inCluster: true,
    json: true,
  },
  {
    name: "rehearse",
    purpose: "Play the plan through thousands of times: how often is it right, and how fast?",
    inBrief: "play the plan through thousands of times, and say how often it is right",
    does: "plays the plan through some thousand times, before your own traffic or offline: [rehearse.md](rehearse.md)",
    exits: "0; 2; 3 if Prometheus cannot say what your traffic is",
    needs: ["stages", "gates", "evidence", "metrics", "deadlines", "meshDelay", "rehearse"],
    reads: ["service", "versions", "course", "metrics", "rehearse"],
    changes: false,
    inCluster: false,
    json: true,
  },
  {
    name: "status",
    purpose: "Say where a release is.",
    does: "says where the newest release is, and whether the routes are as it wrote them; also when it is over. With `--watch` it follows a release until it is over or waits",
    exits:
      "0; 2 if there is no such Service; 3 if it is held, stuck, or its job is dead, or if it is over and requests go where they should not",
    needs: service,
    reads: ["service"],
    changes: false,
    inCluster: true,
    json: true,
  },
  {
    name: "verify",
    purpose: "Count how traffic really splits now.",
    inBrief: "count how traffic really splits",
    does: "counts how traffic really splits, by Prometheus or by sending requests to a URL, with a 99.9% confidence interval, since the weight that there is was written; asked too early it compares nothing, and says when to ask again",
    exits: "0; 3 if it could not be counted or contradicts the plan",
    needs: [...service, "stable", "canary", "routes", "metrics", "verify"],
    reads: ["service", "versions", "routes", "metrics", "verify"],
    changes: false,
    inCluster: true,
    json: true,
  },
  {
    name: "rollback",
    purpose: "Give all traffic back to stable, whatever the release is doing.",
    does: "gives all traffic back, from whatever state; finishes a promotion that has begun. Takes the release from the job that runs it, whatever that does meanwhile. Of a release that is over it puts right where requests go, if that is not as it should be, and gives a stable that should serve, and is at 0, its pods back",
    exits: "0; 2 if there is nothing to roll back; 3 if it is not settled",
    needs: service,
    reads: ["service", "report"],
    changes: true,
    inCluster: true,
    json: false,
  },
  {
    name: "undo",
    purpose: "After a release that succeeded: give all traffic back to the version before it.",
    inBrief: "go back to the version before the last release, which had succeeded",
    does: "after a release that succeeded, gives all traffic back to the version before it, which gets its pods first: by exchanging the roles again, or by updating stable with the image before. A release in itself: checked, journaled and told as one",
    exits: "0; 1 the undo was given up; 2 there is nothing to undo; 3",
    needs: service,
    reads: ["service", "image", "report"],
    changes: true,
    inCluster: true,
    json: false,
  },
  {
    name: "promote",
    purpose: "Go on with a release that waits for approval, or is held.",
    inBrief: "finish a release that waits",
    does: "goes on with a release that waits for approval, or is held",
    exits: "0, 1, 2, 3",
    needs: service,
    reads: ["service", "image", "metrics", "report"],
    changes: true,
    inCluster: true,
    json: false,
  },
  {
    name: "settle", // the action's second step: it rolls back, or finishes a promotion, whatever the first step left
    purpose: "Leave nothing half-way: roll back, or finish a promotion. The action's second step.",
    inBrief: "leave nothing half-way",
    does: "the action's second step: ends what this very job left half-way, gives the stable of its release its pods back if requests go to it and it is at 0, and reads in any case how it stands. By any job, such as a scheduled one, also a release that is held for longer than `evidence.holdFor`, and one whose job is dead",
    exits: "0; 3 if it is not settled",
    needs: service,
    reads: ["service", "report"],
    changes: true,
    inCluster: true,
    json: false,
  },
  {
    name: "replay",
    purpose: "Judge a release again from its report, without a cluster, and say whether every verdict agrees.",
    inBrief: "judge a release again from its report",
    does: "judges a release again from its JSON report, offline, and compares each verdict: [rehearse.md](rehearse.md)",
    exits: "0 all agree, 1 some differ, 2 it is no report",
    needs: [],
    reads: ["report"],
    changes: false,
    inCluster: false,
    json: true,
    argument: "report",
  },
  {
    name: "report",
    purpose: "Make a page of a release's JSON report: what happened over time, in one HTML file.",
    inBrief: "make a page of a release's report",
    does: "makes a page of a JSON report: traffic, failures, response times and proofs over time, every decision, the plan; one HTML file that loads nothing. A release writes it by itself where `report` ends in `.html`",
    exits: "0, 2 it is no report",
    needs: [],
    reads: ["report"],
    changes: false,
    inCluster: false,
    json: false,
    argument: "report",
  },
] as const satisfies readonly WrittenRow[];

type Row = (typeof rows)[number];

/** What the program is asked to do. */
export type Command = Row["name"];
/** The commands that are given a session; the others are given a desk, and init what it has to look at. */
export type CommandInCluster = Exclude<Extract<Row, { readonly inCluster: true }>["name"], "init">;
export type CommandRow = WrittenRow & Pick<Row, "name" | "needs">;

export const commands: readonly CommandRow[] = rows;

/** Undefined where there is no such command. */
export const commandNamed = (name: string | undefined): CommandRow | undefined =>
  commands.find((command) => command.name === name);

/** The others go by names alone, and by the journal, which has the manifests of its release. */
export const appliesManifests = (command: Command): boolean => commandNamed(command)?.needs === "everything";

/** Whoever changes something has a report, and something to give back when it is cancelled. */
export const changesSomething = (command: Command): boolean => commandNamed(command)?.changes === true;

/** The names of the commands whose row is so. */
export const commandsThat = (so: (row: CommandRow) => boolean): readonly Command[] =>
  commands.filter(so).map(({ name }) => name);
