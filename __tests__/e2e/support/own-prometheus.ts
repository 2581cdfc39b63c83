import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { promptly } from "../bed/prometheus.ts";
import { type Bed, testFolder } from "./bed.ts";
import { waitFor } from "./wait-for.ts";

/** A Prometheus of a test's own, beside the bed's: it scrapes the same targets, and may die. */
export type OwnPrometheus = {
  readonly url: string;
  /** Starts it, or starts it again with what it has stored. */
  readonly start: () => Promise<void>;
  /** Ends it at once, as a node that fails does. */
  readonly kill: () => Promise<void>;
};

/** Not started yet: nobody listens at its address. `every`: how often it scrapes, where that is not each second. */
export async function ownPrometheus(bed: Bed, name: string, every = "1s"): Promise<OwnPrometheus> {
  const address = `127.0.0.1:${await freePort()}`;
  const storage = testFolder(bed, `prometheus-${name}-${process.pid}`);
  const ofBed = readFileSync(join(bed.work, "prometheus.yml"), "utf8");
  const file = join(storage, "prometheus.yml");
  writeFileSync(file, ofBed.replace("scrape_interval: 1s", `scrape_interval: ${every}`));
  const flags = [
    `--config.file=${file}`,
    `--storage.tsdb.path=${storage}`,
    `--web.listen-address=${address}`,
    "--log.level=error",
    promptly,
  ];
  let end = async (): Promise<void> => {};
  return {
    url: `http://${address}`,
    async start() {
      const child = spawn("prometheus", flags, { stdio: "ignore" });
      const gone = once(child, "exit");
      end = async () => {
        child.kill("SIGKILL");
        await gone;
      };
      await waitFor(async () => (await fetch(`http://${address}/-/ready`)).ok, `Prometheus at ${address}`, 30_000);
    },
    kill: () => end(),
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("a listener on 127.0.0.1 has no port");
  return address.port;
}
