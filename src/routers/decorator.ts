import type { Router } from "../ports/router.ts";

/** A router around a router: the place for `confirmed(router)`, which will wait until Envoy has what was written. */
export type RouterDecorator = (router: Router) => Router;
