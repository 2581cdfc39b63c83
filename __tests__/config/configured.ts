import type { Config } from "../../src/config/config.ts";
import type { Variables } from "../../src/config/environment.ts";
import { ConfigError, tellIssues } from "../../src/config/issue.ts";
import { loadConfig } from "../../src/config/load.ts";

export type Situation = {
  /** The text of the file canary.yaml; absent: no file is named. */
  readonly file?: string;
  readonly inputs?: Readonly<Record<string, string>>;
  readonly env?: Variables;
  /** Further files by path. */
  readonly files?: Readonly<Record<string, string>>;
};

/** Loads a configuration whose files are given as text. */
export function configured(
  { file, inputs = {}, env = {}, files = {} }: Situation,
  registerSecret: (secret: string) => void = () => {},
): Promise<Config> {
  const present = new Map([...Object.entries(files), ...(file === undefined ? [] : [["canary.yaml", file] as const])]);
  const readFile = async (path: string): Promise<string> => {
    const text = present.get(path);
    if (text === undefined)
      throw Object.assign(new Error(`ENOENT: no such file or directory, open '${path}'`), { code: "ENOENT" });
    return text;
  };
  const given = file === undefined ? inputs : { config: "canary.yaml", ...inputs };
  return loadConfig({ inputs: given, env, readFile, registerSecret });
}

/** The lines of the error that loading ends with, without the place in the file; none when it succeeds. */
export async function problems(situation: Situation): Promise<readonly string[]> {
  try {
    await configured(situation);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return tellIssues(error.issues.map(({ position, ...issue }) => issue));
    throw error;
  }
}

/** A configuration without a fault. */
export const sound = `
namespace: shop
service: reviews
stable: { deployment: reviews-v1, subset: v1 }
canary: { deployment: reviews-v2, subset: v2 }
stages: 10:2m, 50:5m, 100
metrics: { prometheus: http://prometheus:9090 }
`;

/** The sound configuration with some of its keys written otherwise. */
export function soundBut(lines: string): string {
  const keys = new Set([...lines.matchAll(/^(\w+):/gm)].map(([, key]) => key));
  const kept = sound.split("\n").filter((line) => !keys.has(line.split(":")[0] ?? ""));
  return `${kept.join("\n")}\n${lines}\n`;
}
