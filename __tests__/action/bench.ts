import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";

const root = join(import.meta.dirname, "../..");

/** Stands in for the program: writes down who it is, how it was called and what signals it gets, and does what PLAY says. */
const standIn = `
import { appendFileSync } from "node:fs";
const say = (what) => appendFileSync(process.env.RECORD, JSON.stringify({ pid: process.pid, ...what }) + "\\n");
const output = (text) => appendFileSync(process.env.GITHUB_OUTPUT, text + "\\n");
const [command = "release"] = process.argv.slice(2);
say({ command, inputs: JSON.parse(process.env.ISTIO_CANARY_INPUTS) });
process.stdout.on("error", () => {});
const plays = {
  good() { output("outcome=succeeded"); output("settled=true"); },
  refused() { process.exitCode = 2; output("refused=true"); },
  unsettled() { output("outcome=succeeded"); output("settled=false"); process.exit(3); },
  crash() { output("outcome="); output("phase=baking"); process.exit(3); },
  obedient() { on("SIGINT", () => { output("outcome=rolled-back"); output("settled=true"); process.exit(1); }); },
  deaf() { on("SIGINT", () => {}); on("SIGTERM", () => {}); },
};
function on(signal, then) {
  process.on(signal, () => { say({ signal }); then(); });
  keep ??= setInterval(() => say({ alive: true }), 20);
}
let keep;
if (command === "settle") { output("phase=rolled-back"); output("outcome=rolled-back"); output("settled=true"); }
else plays[process.env.PLAY]();
console.log("ready");
`;

export type Said = {
  readonly pid: number;
  readonly command?: string;
  readonly inputs?: Readonly<Record<string, string>>;
  readonly signal?: string;
  readonly alive?: boolean;
};

export type Bench = {
  /** A copy of the action with the stand-in for a program. */
  readonly action: string;
  readonly env: Readonly<Record<string, string>>;
  readonly said: () => readonly Said[];
  readonly edit: (file: string, change: (text: string) => string) => void;
  readonly folder: string;
};

export function bench(t: TestContext, play: "good" | "refused" | "unsettled" | "crash" | "obedient" | "deaf"): Bench {
  const folder = mkdtempSync(join(tmpdir(), "action-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const action = join(folder, "with a space");
  mkdirSync(join(action, "dist"), { recursive: true });
  for (const file of ["action.yml", "launch.sh"]) cpSync(join(root, file), join(action, file));
  writeFileSync(join(action, "package.json"), '{"type":"module"}');
  writeFileSync(join(action, "dist/index.js"), standIn);
  const record = join(folder, "record");
  writeFileSync(record, "");
  const lines = (): readonly string[] =>
    readFileSync(record, "utf8")
      .split("\n")
      .filter((line) => line !== "");
  return {
    action,
    folder,
    env: { PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ""}`, PLAY: play, RECORD: record },
    said: () => lines().map((line) => JSON.parse(line) as Said),
    edit: (file, change) => writeFileSync(join(action, file), change(readFileSync(join(action, file), "utf8"))),
  };
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
