import { field, listAt, textAt } from "./field.ts";
import { type KubernetesObject, placeWord } from "./object.ts";

/** What an Ingress sends to a Service of its namespace. */
export type IngressRule = {
  /** For people: `Ingress shop/web: shop.example.com/api`. */
  readonly where: string;
  readonly namespace: string;
  /** The Service's name. */
  readonly service: string;
};

/** https://kubernetes.io/docs/concepts/services-networking/ingress/#the-ingress-resource */
export function rulesOfIngress(ingress: KubernetesObject): readonly IngressRule[] {
  const { namespace = "" } = ingress.metadata;
  const rule = (what: string, backend: unknown): readonly IngressRule[] => {
    const service = textAt(backend, "service", "name");
    return service === undefined ? [] : [{ where: `${placeWord(ingress)}: ${what}`, namespace, service }];
  };
  return [
    ...rule("its default backend", field(ingress, "spec", "defaultBackend")),
    ...listAt(ingress, "spec", "rules").flatMap((one) =>
      listAt(one, "http", "paths").flatMap((path) =>
        rule(`${textAt(one, "host") ?? "*"}${textAt(path, "path") ?? "/"}`, field(path, "backend")),
      ),
    ),
  ];
}
