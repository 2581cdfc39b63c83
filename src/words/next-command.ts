import type { AskedWith } from "../release/asked-with.ts";
import type { Target } from "../release/target.ts";
import { shellWord } from "./shell-word.ts";

/** The release that a command is about, and how it was asked for. */
export type AskedRelease = {
  readonly target: Pick<Target, "namespace" | "service">;
  readonly asked?: AskedWith | undefined;
};

/** A command that works as it stands, where the release was begun. */
export function nextCommand(
  name: "promote" | "rollback" | "undo" | "status" | "verify",
  release: AskedRelease,
): string {
  const { target, asked = {} } = release;
  const flags = { config: asked.config, namespace: target.namespace, service: target.service, ...cluster(asked) };
  return ["istio-canary", name, ...flagWords(flags)].join(" ");
}

/** What kubectl needs beside the namespace to speak to the same cluster. */
export const kubectlFlags = (asked: AskedWith | undefined): readonly string[] => flagWords(cluster(asked ?? {}));

const cluster = ({ kubeconfig, context }: AskedWith): AskedWith => ({ kubeconfig, context });

const flagWords = (flags: Readonly<Record<string, string | undefined>>): readonly string[] =>
  Object.entries(flags).flatMap(([name, value]) => (value === undefined ? [] : [`--${name} ${shellWord(value)}`]));
