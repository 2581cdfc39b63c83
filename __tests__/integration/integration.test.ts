import { describe } from "node:test";
import { asPrinted } from "./as-printed.ts";
import { aftermath, brake } from "./brake.ts";
import { cancelled } from "./cancelled.ts";
import { defects } from "./defects.ts";
import { echoesOfSecrets } from "./echoes.ts";
import { examples } from "./examples.ts";
import { goodReleases } from "./good-releases.ts";
import { interference } from "./interference.ts";
import { lyingPrometheus } from "./lying-prometheus.ts";
import { people } from "./people.ts";
import { processes } from "./processes.ts";
import { refusals, reports } from "./refusals.ts";
import { rollbacks } from "./rollbacks.ts";
import { secrets } from "./secrets.ts";
import { surroundings } from "./surroundings.ts";
import { undoes } from "./undo.ts";

/** The built program against the sandbox. Most of a release is waiting, so several run at once, each in a world of its own. */
describe("the built program", { concurrency: 8 }, () => {
  goodReleases();
  examples();
  rollbacks();
  interference();
  people();
  asPrinted();
  brake();
  aftermath();
  undoes();
  cancelled();
  processes();
  refusals();
  reports();
  surroundings();
  defects();
  lyingPrometheus();
  secrets();
  echoesOfSecrets();
});
