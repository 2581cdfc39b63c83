import { isMadeBy } from "../../kubernetes/mark.ts";
import { type Resource, resources } from "../../kubernetes/object.ts";
import { identify, objectWord } from "../../kubernetes/user-object.ts";
import type { WorkloadParts } from "./workload-parts.ts";

type Named = { readonly resource: Resource; readonly name: string };

/** Deletes what carries this release's mark, the last made first, and nothing else. */
export async function removeMade(parts: WorkloadParts): Promise<void> {
  const { client, target, before } = parts;
  for (const { resource, name } of madeBy(parts).toReversed()) {
    const live = await client.get(resource, target.namespace, name);
    const uid = live?.metadata.uid;
    if (live && uid !== undefined && isMadeBy(before.release, live))
      await client.delete(resource, target.namespace, name, { uid });
  }
}

/** What the release may have made, in the order in which it made it. */
function madeBy({ target: { source, canary }, before }: WorkloadParts): readonly Named[] {
  if (source.from !== "manifests") return [{ resource: resources.deployments, name: canary.deployment }];
  return source.objects.map(identify).filter((manifest) => !before.existed.includes(objectWord(manifest)));
}
