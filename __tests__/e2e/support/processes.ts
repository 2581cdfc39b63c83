import { readdirSync, readFileSync } from "node:fs";

/** Living processes with this variable in their environment, `NAME=value`: it is inherited and stays, whoever adopts a process. */
export function processesWith(variable: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => environmentOf(pid).includes(variable))
    .map(Number);
}

function environmentOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    return []; // it has just ended
  }
}
