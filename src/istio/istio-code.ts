/**
 * What `istioctl analyze` calls what preflight finds, by the codes under which people look it up:
 * https://istio.io/latest/docs/reference/config/analysis/
 */
const istioCodes = {
  IST0002: "Deprecated",
  IST0101: "ReferencedResourceNotFound",
  IST0109: "ConflictingMeshGatewayVirtualServiceHosts",
  IST0112: "VirtualServiceDestinationPortSelectorRequired",
  IST0116: "DeploymentAssociatedToMultipleServices",
  IST0118: "PortNameIsNotUnderNamingConvention",
  IST0130: "VirtualServiceUnreachableRule",
  IST0131: "VirtualServiceIneffectiveMatch",
  IST0132: "VirtualServiceHostNotFoundInGateway",
  IST0137: "DeploymentConflictingPorts",
  IST0140: "VirtualServiceIngressRouteRulesNotAffected",
  IST0145: "ConflictingGateways",
  IST0165: "ReferencedInternalGateway",
  IST0171: "NegativeConditionStatus",
  IST0173: "DestinationRuleSubsetNotSelectPods",
  IST0174: "UnknownDestinationRuleHost",
} as const satisfies Readonly<Record<`IST${number}`, string>>;

export type IstioCode = keyof typeof istioCodes;
