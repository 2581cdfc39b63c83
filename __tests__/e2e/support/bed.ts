import { mkdirSync } from "node:fs";
import { join } from "node:path";

/** A mesh that is up. Everything in it is reached from inside its network namespace only. */
export type Bed = {
  /** The network namespace, for `ip netns exec`. */
  readonly namespace: string;
  /** Logs, certificates and process ids are in here; tests may make files in `work/tests`. */
  readonly work: string;
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  readonly apiServer: string;
  /** The ingress gateway: requests are routed by their Host header. */
  readonly gateway: string;
  readonly prometheus: string;
  /** The admin interface of the ingress gateway's Envoy. Other proxies have it at port 15000 of their pod's address. */
  readonly envoyAdmin: string;
  readonly istiodUrl: string;
  /** Paths of programs that tests run. */
  readonly programs: { readonly kubectl: string; readonly act: string };
};

/** The bed that `main.ts` brought up for the running tests. */
export function bedFromEnvironment(): Bed {
  const text = process.env[bedVariable];
  if (text === undefined)
    throw new Error(`${bedVariable} is not set: run end-to-end tests by npm run test:e2e, which brings the bed up.`);
  return JSON.parse(text) as Bed;
}

export const bedVariable = "ISTIO_CANARY_BED";

/** A folder for a test's own files. */
export function testFolder(bed: Bed, name: string): string {
  const folder = join(bed.work, "tests", name);
  mkdirSync(folder, { recursive: true });
  return folder;
}
