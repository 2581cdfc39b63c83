import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import type { Bed } from "./bed.ts";

export type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Runs the real kubectl as the administrator, `input` as its standard input. Resolves also when it fails. */
export function kubectl(bed: Bed, args: readonly string[], input?: string): Promise<Ended> {
  return run(
    bed.programs.kubectl,
    args,
    { PATH: process.env.PATH ?? "", HOME: bed.work, KUBECONFIG: bed.kubeconfig },
    input,
  );
}

/** Runs a program in an environment that is exactly the one given, and gives what it printed. */
export async function run(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  input?: string,
): Promise<Ended> {
  const child = spawn(program, args, { env: environment, stdio: "pipe" });
  child.stdin.end(input);
  const ended = new Promise<number>((resolve, reject) =>
    child.once("error", reject).once("close", (code, signal) => resolve(code ?? (signal ? -1 : 0))),
  );
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, stdout, stderr };
}
