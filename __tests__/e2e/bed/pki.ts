import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dump } from "js-yaml";

type Certificate = {
  readonly name: string;
  readonly subject: string;
  readonly usage: "serverAuth" | "clientAuth" | "serverAuth,clientAuth";
  readonly names?: string;
};

const certificates: readonly Certificate[] = [
  {
    name: "apiserver",
    subject: "/CN=kube-apiserver",
    usage: "serverAuth",
    names:
      "IP:127.0.0.1,IP:10.96.0.1,IP:10.244.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local",
  },
  {
    name: "kubelet",
    subject: "/O=system:nodes/CN=system:node:node-0",
    usage: "serverAuth,clientAuth",
    names: "IP:10.244.0.1,IP:127.0.0.1",
  },
  { name: "admin", subject: "/O=system:masters/CN=admin", usage: "clientAuth" },
  {
    name: "istiod",
    subject: "/CN=istiod",
    usage: "serverAuth,clientAuth",
    names:
      "IP:127.0.0.1,DNS:localhost,DNS:istiod.istio-system.svc,DNS:istiod.istio-system.svc.cluster.local,URI:spiffe://cluster.local/ns/istio-system/sa/istiod",
  },
];

/** Makes an authority, a certificate for each part of the bed, the key that signs service account tokens, and the administrator's kubeconfig. */
export function makePki(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const openssl = (...args: readonly string[]): void =>
    void execFileSync("openssl", args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const authority = [
    "-addext",
    "basicConstraints=critical,CA:TRUE",
    "-addext",
    "keyUsage=critical,keyCertSign,cRLSign",
  ];
  openssl(
    "req",
    "-x509",
    ...key,
    "-keyout",
    "ca.key",
    "-out",
    "ca.crt",
    "-days",
    "30",
    "-subj",
    "/CN=bed",
    ...authority,
  );
  for (const { name, subject, usage, names } of certificates) {
    const extensions = [
      "basicConstraints=CA:FALSE",
      "keyUsage=digitalSignature,keyEncipherment",
      `extendedKeyUsage=${usage}`,
      ...(names === undefined ? [] : [`subjectAltName=${names}`]),
    ];
    writeFileSync(join(folder, `${name}.ext`), extensions.join("\n"));
    openssl("req", ...key, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", subject);
    openssl(
      "x509",
      "-req",
      "-in",
      `${name}.csr`,
      "-CA",
      "ca.crt",
      "-CAkey",
      "ca.key",
      "-CAcreateserial",
      "-days",
      "30",
      "-extfile",
      `${name}.ext`,
      "-out",
      `${name}.crt`,
    );
  }
  openssl("genrsa", "-out", "sa.key", "2048");
  openssl("rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub");
  const text = (file: string): string => readFileSync(join(folder, file)).toString("base64");
  writeFileSync(
    join(folder, "admin.kubeconfig"),
    kubeconfig({
      authority: text("ca.crt"),
      context: "bed",
      user: { "client-certificate-data": text("admin.crt"), "client-key-data": text("admin.key") },
    }),
  );
}

/** A kubeconfig of one context. `authority` is base64. */
export function kubeconfig({
  authority,
  context,
  user,
  namespace,
}: {
  readonly authority: string;
  readonly context: string;
  readonly user: object;
  readonly namespace?: string;
}): string {
  return dump({
    apiVersion: "v1",
    kind: "Config",
    "current-context": context,
    clusters: [{ name: "bed", cluster: { server: "https://127.0.0.1:6443", "certificate-authority-data": authority } }],
    users: [{ name: context, user }],
    contexts: [
      { name: context, context: { cluster: "bed", user: context, ...(namespace === undefined ? {} : { namespace }) } },
    ],
  });
}
