import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";

/** The network namespace of a bed that nobody gave a name. Beds of different names do not see each other. */
export const defaultNamespace = process.env.BED ?? "icbed";

/** Where a bed keeps its files. */
export const workOf = (namespace: string): string => join(tmpdir(), `istio-canary-bed-${namespace}`);

const marker = "ISTIO_CANARY_BED_NETWORK";

/**
 * Runs this program again inside the network namespace, which is made when missing, and ends with its exit code.
 * Returns at once when the program is inside already. Everything of the bed lives in there, its tests too:
 * outside, 10.244.x.y is somebody else's address.
 */
export async function enterNetwork(name: string): Promise<void> {
  if (process.env[marker] === name) return;
  if (process.getuid?.() !== 0)
    throw new Error("The bed makes a network namespace, which only root may do. Run this with sudo.");
  if (!networkExists(name)) ip("netns", "add", name);
  const child = spawn("ip", ["netns", "exec", name, process.execPath, ...process.execArgv, ...process.argv.slice(1)], {
    stdio: "inherit",
    env: { ...process.env, [marker]: name },
  });
  // A terminal sends Ctrl-C to both processes; whoever sends SIGTERM to one means both.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  process.exit(
    await new Promise<number>((resolve) =>
      child.once("exit", (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? "SIGTERM"])),
    ),
  );
}

/** Makes every 10.244.x.y an address of this machine: any of them can be bound and reached. */
export function openLoopback(): void {
  ip("link", "set", "lo", "up");
  if (!ip("-oneline", "address", "show", "dev", "lo").includes("10.244.0.0/16"))
    ip("address", "add", "10.244.0.0/16", "dev", "lo");
}

/** Takes the name away; the namespace itself goes when its last process has left. */
export function deleteNetwork(name: string): void {
  if (networkExists(name)) ip("netns", "del", name);
}

const networkExists = (name: string): boolean => existsSync(`/run/netns/${name}`);

function ip(...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync("ip", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${error?.message ?? stderr.trim()}`);
  return stdout;
}
