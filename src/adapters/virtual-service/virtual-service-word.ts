import type { NamespacedName } from "../../istio/host.ts";
import { objectWord } from "../weighted-rules/describe.ts";

export const virtualServiceWord = (name: NamespacedName): string => objectWord({ kind: "VirtualService" }, name);
