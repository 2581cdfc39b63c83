import { secretPlaces } from "./inputs.ts";
import { type Path, type Problem, shortened, startsWith } from "./issue.ts";
import { isPlainlyYaml, readYaml } from "./yaml.ts";

/** A line of `set`: a place of the file, and what is to stand there. */
export type Setting = {
  readonly path: readonly string[];
  /** The line, as problems are told of it. */
  readonly said: string;
  readonly value?: unknown;
  readonly problems: readonly Problem[];
};

const pathAndValue = /^([A-Za-z][\w-]*(?:\.[\w-]+)*)\s*=\s*(\S.*)$/;

/** `path=value`, one a line. What is no such line is told with its text, and never with a value that may be secret. */
export const readSettings = (text: string): readonly Setting[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map(readSetting);

function readSetting(line: string): Setting {
  const [, place = "", written = ""] = pathAndValue.exec(line) ?? [];
  if (place === "") return { path: [], said: `set: ${untilValue(line)}`, problems: [noSetting] };
  const path = place.split(".");
  const said = `set: ${isSecret(path) ? `${place}=…` : shortened(line)}`;
  if (!isPlainlyYaml(written)) return { path, said, value: written, problems: [] };
  return { path, said, ...readYaml(written, said) };
}

/** A line without a path is shown until its first sign of one: behind it may be anything. */
const untilValue = (line: string): string => shortened(line.replace(/=.*/, "=…"));

const noSetting: Problem = { path: [], problem: "expected path=value, such as evidence.warmUp=1m" };

const isSecret = (path: Path): boolean =>
  path.includes("headers") || secretPlaces.some((secret) => startsWith(path, secret) || startsWith(secret, path));
