import { createServer, type IncomingMessage, type Server } from "node:http";
import type { Instant, Millis } from "../../src/lib/duration.ts";
import { type Answer, failure, success } from "./answer.ts";
import { ask } from "./evaluate.ts";
import { type ScrapeTarget, scraper } from "./scrape.ts";
import { type Storage, storage } from "./storage.ts";
import { QueryError } from "./value.ts";

export type PrometheusOptions = {
  readonly targets: readonly ScrapeTarget[];
  /** Between two scrapes. Default 1s. */
  readonly interval?: Millis;
  /** Default: a free one. */
  readonly port?: number;
  /** Of all targets, as a scrape configuration of Prometheus 3 has it: `convert_classic_histograms_to_nhcb`. */
  readonly convertsHistograms?: boolean;
  /** How far its clock is ahead of this machine's, now. Default: not at all. */
  readonly ahead?: () => Millis;
};

export type Prometheus = {
  readonly url: string;
  /** For what tests want to have been scraped. */
  readonly storage: Storage;
  /** Scrapes every target now. */
  scrape(): Promise<void>;
  close(): Promise<void>;
};

/** A stand-in for Prometheus: it scrapes, keeps an hour, and answers instant queries as the real one does. */
export async function startPrometheus({
  targets,
  interval = 1_000,
  port = 0,
  convertsHistograms = false,
  ahead = () => 0,
}: PrometheusOptions): Promise<Prometheus> {
  const now = (): Instant => Date.now() + ahead();
  const series = storage();
  const scrapers = targets.map((target) => scraper(target, series, Math.max(interval, 1_000), convertsHistograms));
  let scraping: Promise<unknown> = Promise.resolve();
  const scrape = async (): Promise<void> => {
    scraping = scraping.then(() => Promise.all(scrapers.map((each) => each(now()))));
    await scraping;
  };

  const server = createServer((request, response) => {
    void (async () => {
      const { status, body } = await answer(request, series, now());
      const text = typeof body === "string" ? body : JSON.stringify(body);
      response
        .writeHead(status, { "content-type": typeof body === "string" ? "text/plain" : "application/json" })
        .end(text);
    })();
  });
  const url = await listen(server, port);
  await scrape();
  const timer = setInterval(() => void scrape(), interval);
  timer.unref();

  return {
    url,
    storage: series,
    scrape,
    async close() {
      clearInterval(timer);
      await scraping;
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(request: IncomingMessage, series: Storage, now: Instant): Promise<Answer> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://prometheus");
  switch (pathname) {
    case "/api/v1/query":
      if (request.method === "GET") return query(searchParams, series, now);
      if (request.method === "POST")
        return query(
          new URLSearchParams([...searchParams, ...new URLSearchParams(await textOf(request))]),
          series,
          now,
        );
      return { status: 405, body: "Method Not Allowed" };
    case "/api/v1/status/buildinfo":
      return {
        status: 200,
        body: {
          status: "success",
          data: { version: "0.0.0-sandbox", revision: "", branch: "", buildUser: "", buildDate: "", goVersion: "" },
        },
      };
    case "/-/ready":
    case "/-/healthy":
      return {
        status: 200,
        body: pathname === "/-/ready" ? "Prometheus Server is Ready.\n" : "Prometheus Server is Healthy.\n",
      };
    default:
      return { status: 404, body: "404 page not found\n" };
  }
}

function query(parameters: URLSearchParams, series: Storage, now: Instant): Answer {
  const at = momentOf(parameters.get("time"), now);
  if (at === undefined)
    return failure(new QueryError("bad_data", `cannot parse "${parameters.get("time")}" to a valid timestamp`), "time");
  try {
    return success(ask(parameters.get("query") ?? "", series, at), at);
  } catch (error) {
    return failure(error, "query");
  }
}

/** Seconds since the epoch with decimals, or RFC 3339; now where nothing is said. */
function momentOf(text: string | null, now: Instant): Instant | undefined {
  if (text === null || text === "") return now;
  const at = Number.isNaN(Number(text)) ? Date.parse(text) : Math.round(Number(text) * 1_000);
  return Number.isNaN(at) ? undefined : at;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

async function listen(server: Server, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("Prometheus has no port");
  return `http://127.0.0.1:${address.port}`;
}
