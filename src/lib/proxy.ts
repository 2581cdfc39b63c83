type Environment = Readonly<{ [name: string]: string | undefined }>;

/** The proxy that the environment names for a URL: HTTPS_PROXY or HTTP_PROXY, unless NO_PROXY exempts its host. Lower-case names count too. */
export function proxyFor(url: URL, env: Environment): string | undefined {
  const read = (name: string): string | undefined => env[name] || env[name.toLowerCase()] || undefined;
  const exempt = (read("NO_PROXY") ?? "")
    .split(",")
    .map((entry) => entry.trim())
    .filter(Boolean);
  const direct = exempt.some(
    (entry) =>
      entry === "*" || url.hostname === entry || url.hostname.endsWith(entry.startsWith(".") ? entry : `.${entry}`),
  );
  return direct ? undefined : read(url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY");
}
