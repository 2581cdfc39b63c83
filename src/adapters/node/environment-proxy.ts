import { BlockList, isIP } from "node:net";
import { getProxyUrl } from "@actions/http-client/lib/proxy";

/**
 * The proxy that HTTPS_PROXY or HTTP_PROXY names for a URL, unless it is on this machine or NO_PROXY exempts it, as
 * @actions/http-client decides it. What it does not know, and Go, curl and kubectl do: a range of addresses (10.0.0.0/8)
 * may be exempt, and a proxy may be named without `http://`.
 */
export function environmentProxy(environment: Readonly<NodeJS.ProcessEnv>): (url: URL) => string | undefined {
  const exempt = rangesIn(environment.no_proxy || environment.NO_PROXY || "");
  return (url) => {
    if (isWithin(exempt, url.hostname)) return undefined;
    const proxy = getProxyUrl(url);
    if (proxy === undefined) return undefined;
    return proxy.host === "" ? `http://${proxy.href}` : proxy.href; // `proxy:3128` reads as a URL, and `proxy:` as its scheme
  };
}

function rangesIn(noProxy: string): BlockList {
  const ranges = new BlockList();
  for (const entry of noProxy.split(",")) {
    const [address = "", bits = ""] = entry.trim().split("/");
    const family = familyOf(address);
    if (family !== undefined && /^\d{1,3}$/.test(bits) && Number(bits) <= width[family])
      ranges.addSubnet(address, Number(bits), family);
  }
  return ranges;
}

function isWithin(ranges: BlockList, hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, "");
  const family = familyOf(address);
  return family !== undefined && ranges.check(address, family);
}

type Family = "ipv4" | "ipv6";
const width = { ipv4: 32, ipv6: 128 };

function familyOf(address: string): Family | undefined {
  return ([undefined, "ipv4", "ipv6"] as const)[[0, 4, 6].indexOf(isIP(address))];
}
