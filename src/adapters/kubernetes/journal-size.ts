import { DeniedError } from "../../lib/errors.ts";
import { leanRecord, withoutOutputs } from "../../release/lean-record.ts";
import type { ReleaseRecord } from "../../release/release-record.ts";
import { KubernetesError } from "./kubernetes-client.ts";

/** What the values of a ConfigMap may have in all: https://kubernetes.io/docs/concepts/configuration/configmap/ */
const most = 1_048_576;

/** A release that begins leaves room for what happens to it: what fits at its beginning fits until its end. */
const roomToGrow = 131_072;

const sizeOf = (text: string): number => Buffer.byteLength(text);

/** The texts that a ConfigMap can hold of a record, the fullest first; none where it is too large without its story. */
export function* textsOf(record: ReleaseRecord): Generator<string> {
  const { state, again } = record;
  const begins = state.phase === "preparing" && state.step === "deploying" && again === undefined;
  const limit = begins ? most - roomToGrow : most;
  const shorter = [() => withoutOutputs(record), () => leanRecord(record, 20), () => leanRecord(record, 0)];
  for (const shorten of [() => record, ...shorter]) {
    const text = JSON.stringify(shorten());
    if (sizeOf(text) <= limit) yield text;
  }
}

/** An API server (or a proxy before it, or etcd behind it) that takes less than it says. */
export const isTooLarge = (error: unknown): error is KubernetesError =>
  error instanceof KubernetesError && (error.status === 413 || /too (long|large)/i.test(error.message));

export function tooLarge(configMap: string, record: ReleaseRecord): DeniedError {
  const { target, before, plan } = record;
  const sizes = `its target with the manifests ${bytesOf(target)}, how all was before ${bytesOf(before)}, its plan ${bytesOf(plan)}`;
  return new DeniedError(
    `ConfigMap ${configMap}: the journal of this release is too large, ${bytesOf(leanRecord(record, 0))} bytes without its story (${sizes}). A ConfigMap holds ${figure(most)}, of which a release that begins leaves ${figure(roomToGrow)} for what happens to it`,
    { next: "Give it fewer or smaller manifests, or fewer stages and gates." },
  );
}

const figure = (bytes: number): string => bytes.toLocaleString("en");
const bytesOf = (part: unknown): string => figure(sizeOf(JSON.stringify(part)));
