import { portsOf } from "../istio/service.ts";
import { listAt, objectAt, textAt } from "../kubernetes/field.ts";
import { type KubernetesObject, placeWord } from "../kubernetes/object.ts";
import type { ObjectChange } from "./proposal.ts";

/** https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/ */
const protocols = /^(https?|http2|grpc|grpc-web|tcp|tls|mongo|mysql|redis|udp|kubernetes\.io\/.*)$/;

/** What is encrypted by the application itself is no HTTP to a proxy. */
const encrypted = new Set([443, 8443]);

/** Routes of http apply only where the port says that it is HTTP; one without a name gets one, others keep theirs. */
export function withProtocols(service: KubernetesObject): ObjectChange | undefined {
  const silent = portsOf(service).filter(({ protocol, number }) => !protocols.test(protocol) && !encrypted.has(number));
  const ports = silent.map(({ number }) => number);
  if (ports.length === 0) return undefined;
  const spec = objectAt(service, "spec");
  const said = listAt(spec, "ports").map((raw) => {
    const port = objectAt(raw);
    if (!ports.includes(Number(port.port)) || textAt(port, "protocol") === "UDP") return port;
    return textAt(port, "name") ? { ...port, appProtocol: "http" } : { name: "http", ...port };
  });
  return {
    object: { ...service, spec: { ...spec, ports: said } },
    whys: [{ kind: "ports", service: placeWord(service), ports }],
  };
}
