import type { Target } from "../../src/release/target.ts";

/** Service shop/reviews with versions reviews-v1 and reviews-v2, split by subsets. */
export const shopTarget: Target = {
  namespace: "shop",
  service: "reviews",
  stable: { deployment: "reviews-v1", host: "reviews", subset: "v1" },
  canary: { deployment: "reviews-v2", host: "reviews", subset: "v2" },
  routes: [{ kind: "VirtualService", namespace: "shop", name: "reviews", routes: [] }],
  source: { from: "existing" },
  replicas: { kind: "keep" },
};
