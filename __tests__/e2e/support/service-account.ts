import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { kubeconfig } from "../bed/pki.ts";
import type { ApiServer } from "./api-server.ts";
import { apply } from "./apply.ts";
import { type Bed, testFolder } from "./bed.ts";

/** Makes a ServiceAccount and a kubeconfig that speaks as it, and gives the file's path. What it may do, Roles say. */
export async function serviceAccountKubeconfig(
  bed: Bed,
  api: ApiServer,
  namespace: string,
  name: string,
): Promise<string> {
  await apply(api, `{apiVersion: v1, kind: ServiceAccount, metadata: {name: ${name}, namespace: ${namespace}}}`);
  const request = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { expirationSeconds: 3_600 } };
  const answer = await api.expect<{ readonly status: { readonly token: string } }>(
    "POST",
    `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
    request,
  );
  const file = join(testFolder(bed, namespace), `${name}.kubeconfig`);
  const authority = readFileSync(join(bed.work, "pki/ca.crt")).toString("base64");
  writeFileSync(file, kubeconfig({ authority, context: name, namespace, user: { token: answer.status.token } }), {
    mode: 0o600,
  });
  return file;
}
