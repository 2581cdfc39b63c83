import { field, objectAt, textAt } from "./field.ts";

/** Fields that name objects, wherever they stand in a pod's specification, and where in them the name is. */
const references: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  ConfigMap: { configMapRef: ["name"], configMapKeyRef: ["name"], configMap: ["name"] },
  Secret: { secretRef: ["name"], secretKeyRef: ["name"], secret: ["secretName"] },
  ServiceAccount: { serviceAccountName: [] },
};

/** Whether a pod template uses an object: for its environment, as files, as its account. */
export function usesObject(template: unknown, kind: string, name: string): boolean {
  const ways = references[kind] ?? {};
  const uses = (value: unknown): boolean => {
    if (Array.isArray(value)) return value.some(uses);
    return Object.entries(objectAt({ value }, "value")).some(([key, inner]) => {
      const way = ways[key];
      if (way && (textAt({ inner }, "inner", ...way) ?? textAt(inner, "name")) === name) return true; // projected: name
      return uses(inner);
    });
  };
  return uses(field(template, "spec"));
}
