import { gatewayKinds } from "../../../src/istio/gateway-route.ts";
import { gatewayRouteContract, gatewayRouteMaker } from "../../contracts/gateway-route.ts";
import { routerContract } from "../../contracts/router.ts";
import { sandboxWorld } from "../../support/cluster.ts";

for (const { kind } of gatewayKinds) {
  const maker = gatewayRouteMaker(kind);
  routerContract("the sandbox", sandboxWorld, maker);
  gatewayRouteContract("the sandbox", sandboxWorld, maker);
}
