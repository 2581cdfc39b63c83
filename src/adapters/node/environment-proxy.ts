import { BlockList, isIP } from "node:net";
import { checkBypass } from "@actions/http-client/lib/proxy";
import { loginOf } from "../../lib/credentials.ts";

/**
 * The proxy that HTTPS_PROXY or HTTP_PROXY names for a URL, unless it is on this machine or NO_PROXY exempts it, as
 * @actions/http-client decides it. What it does not know, and Go, curl and kubectl do: a range of addresses
 * (10.0.0.0/8), a bare address of IPv6 or all names below one (`*.corp`) may be exempt, and a proxy may be named without
 * `http://`.
 */
export function environmentProxy(environment: Readonly<NodeJS.ProcessEnv>): (url: URL) => string | undefined {
  const entries = (environment.no_proxy || environment.NO_PROXY || "").split(",").map((entry) => entry.trim());
  const ranges = rangesIn(entries);
  const endings = entries.filter((entry) => entry.startsWith("*.")).map((entry) => entry.slice(1).toLowerCase());
  return (url) => {
    if (isWithin(ranges, url.hostname) || endsIn(endings, url) || checkBypass(url)) return undefined;
    const names = url.protocol === "https:" ? ["https_proxy", "HTTPS_PROXY"] : ["http_proxy", "HTTP_PROXY"];
    const name = names.find((name) => environment[name]?.trim());
    return name === undefined ? undefined : addressIn(name, environment[name] ?? "");
  };
}

/** To go past a proxy that cannot be read would tell others what only the proxy was to know. */
function addressIn(name: string, value: string): string {
  const proxy = URL.parse(/^[a-z][a-z\d+.-]*:\/\//i.test(value.trim()) ? value : `http://${value.trim()}`);
  if (proxy === null)
    throw new Error(`${name} in the environment is no address of a proxy, such as http://proxy.example:3128`);
  const { username, password } = loginOf(proxy);
  proxy.username = encodeURIComponent(username); // the agent decodes it, and a percent sign may stand for itself
  proxy.password = encodeURIComponent(password);
  return proxy.href;
}

function rangesIn(entries: readonly string[]): BlockList {
  const ranges = new BlockList();
  for (const entry of entries) {
    const [address = "", bits] = entry.split("/");
    const family = familyOf(address);
    if (family === undefined) continue;
    if (bits === undefined) ranges.addAddress(address, family);
    else if (/^\d{1,3}$/.test(bits) && Number(bits) <= width[family]) ranges.addSubnet(address, Number(bits), family);
  }
  return ranges;
}

const endsIn = (endings: readonly string[], { hostname, port, protocol }: URL): boolean => {
  const withPort = `${hostname}:${port || usualPorts[protocol]}`;
  return endings.some((ending) => hostname.endsWith(ending) || withPort.endsWith(ending));
};

const usualPorts: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };

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
