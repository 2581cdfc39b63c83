import { lstatSync, mkdirSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";

/** Writes a file that is not there yet, with the folders on its way; throws where one is there. */
export function writeNew(file: string, text: string): void {
  mkdirSync(dirname(resolve(file)), { recursive: true });
  writeFileSync(file, text, { flag: "wx" });
}

/** Throws where something is in the way of a file in a folder, or a link leads out of the folder. */
export function assertPlace(folder: string, path: string): void {
  const parts = path.split("/");
  const places = parts.map((_, index) => parts.slice(0, index + 1).join("/"));
  for (const place of ["", ...places]) {
    const at = join(resolve(folder), place);
    const found = lstatSync(at, { throwIfNoEntry: false });
    if (!found) return;
    if (found.isSymbolicLink() && place !== "") assertInside(folder, at);
    const { isFile, isDirectory } = kindOf(at);
    if (place === path && !isFile) throw new Error("it is there, and no file");
    if (place !== path && !isDirectory) throw new Error(`${at} is no folder`);
  }
}

const kindOf = (at: string): { readonly isFile: boolean; readonly isDirectory: boolean } => {
  const found = statSync(at, { throwIfNoEntry: false });
  return { isFile: found?.isFile() ?? false, isDirectory: found?.isDirectory() ?? false };
};

function assertInside(folder: string, link: string): void {
  if (!statSync(link, { throwIfNoEntry: false })) throw new Error(`${link} is a link to nothing`);
  const [way = ""] = relative(realpathSync(folder), realpathSync(link)).split(sep);
  if (way === "..") throw new Error(`${link} is a link that leads out of ${folder}`);
}
