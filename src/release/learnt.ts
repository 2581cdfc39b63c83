import type { Instant, Millis } from "../lib/duration.ts";
import type { Role } from "./target.ts";

/** What the proxies of the mesh are to learn: the rules as they are written, or the pods of a version. */
export type Lesson = "routes" | Role;

/** Who has been read, and who of them had not learnt it. */
export type Learners = {
  readonly gateways: number;
  readonly callers: number;
  /** Names of proxies. */
  readonly without: readonly string[];
  /** How many more there are that could not be read. */
  readonly unread: number;
  /** Why nobody was read. */
  readonly because?: string | undefined;
};

/** How a lesson ended: all of them have learnt it, or time was up. */
export type Learnt = Learners & {
  readonly lesson: Lesson;
  /** When it ended, and how long it took. */
  readonly at: Instant;
  readonly after: Millis;
};

/** Every proxy that was read has learnt it. */
export const isLearnt = ({ without, because }: Learners): boolean => without.length === 0 && because === undefined;
