/** A kubeconfig with one cluster, one user and one context, as YAML text. */
export function kubeconfigText(access: {
  readonly url: string;
  readonly ca: string;
  readonly token: string;
  readonly namespace: string;
}): string {
  const text = JSON.stringify;
  return `apiVersion: v1
kind: Config
current-context: sandbox
clusters:
  - name: sandbox
    cluster:
      server: ${text(access.url)}
      certificate-authority-data: ${Buffer.from(access.ca).toString("base64")}
users:
  - name: user
    user:
      token: ${text(access.token)}
contexts:
  - name: sandbox
    context: {cluster: sandbox, user: user, namespace: ${text(access.namespace)}}
`;
}
