import { load } from "js-yaml";
import { inputs as flags } from "../src/config/inputs.ts";
import type { Inputs } from "./shop.ts";

/** What flags say, as a workflow says it: what is no input of the action stands in lines of `set`. */
export function workflowInputs(said: Inputs): Inputs {
  const lines = Object.entries(said).flatMap(([name, value]) => settingOf(name, value) ?? []);
  const rest = Object.entries(said).filter(([name, value]) => settingOf(name, value) === undefined);
  const set = [...(said.set === undefined ? [] : [said.set]), ...lines].join("\n");
  return { ...Object.fromEntries(rest), ...(set === "" ? {} : { set }) };
}

function settingOf(name: string, value: string): string | undefined {
  const flag = flags.find((flag) => flag.name === name);
  if (flag?.path === undefined || flag.inAction) return undefined;
  return `${flag.path}=${flag.type === "text" || flag.type === "boolean" ? value : inOneLine(value, flag.type)}`;
}

const inOneLine = (value: string, type: string): string =>
  type === "map" ? JSON.stringify(Object.fromEntries(entries(value))) : json(load(value));

const json = (value: unknown): string => (typeof value === "object" ? JSON.stringify(value) : String(value));

const entries = (map: string): readonly (readonly [string, string])[] =>
  map.split("\n").map((line) => {
    const [, name = "", value = ""] = /^([^:=\s]+)\s*[:=]\s*(.*)$/.exec(line) ?? [];
    return [name, value];
  });
