import type { Clock } from "../world/clock.ts";
import type { Bystanders } from "./bystanders.ts";
import type { Journal } from "./journal.ts";
import type { MeshProxies } from "./mesh-proxies.ts";
import type { MetricSource } from "./metric-source.ts";
import type { Reporter } from "./reporter.ts";
import type { Respondents } from "./respondent.ts";
import type { Router } from "./router.ts";
import type { Workload } from "./workload.ts";

/** What the engine needs from the world while a release runs. */
export type Ports = {
  readonly router: Router;
  readonly workload: Workload;
  /** Missing where they are not to be read: then what is written is given its time. */
  readonly proxies?: MeshProxies | undefined;
  readonly bystanders: Bystanders;
  readonly metrics: MetricSource;
  readonly respondents: Respondents;
  readonly journal: Journal;
  readonly reporter: Reporter;
  readonly clock: Clock;
};
