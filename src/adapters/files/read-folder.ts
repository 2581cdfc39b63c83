import { readdir, realpath } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import { tell } from "../../lib/errors.ts";
import { mebibyte, readText, type Waiting } from "./read-text.ts";

/** A file below a folder, by its path from there. */
export type FolderFile = { readonly path: string; readonly text: string };

/** What a folder has, and why some of it was not read. */
export type Folder = {
  readonly files: readonly FolderFile[];
  readonly unread: readonly string[];
};

const mostFiles = 2_000;
const mostBytes = 32 * mebibyte;
const mostLevels = 20;
const mostEntries = 50_000;

/** What holds no manifests of anybody, however much is in it. */
const passedOver = new Set(["node_modules", ".git"]);

/**
 * The YAML and JSON files of a folder and of those in it, in the order of their paths. No link leads out of it, and
 * whoever made it cannot make this take for ever. Rejects where there is no such folder.
 */
export async function readFolder(path: string, waiting: Waiting): Promise<Folder> {
  const root = await realpath(resolve(path));
  const { paths, unread } = await pathsIn(root, waiting);
  const files: FolderFile[] = [];
  let left = mostBytes;
  for (const file of paths.slice(0, mostFiles)) {
    const name = relative(root, file).split(sep).join("/");
    try {
      const text = await readText(await within(root, file), Math.min(mebibyte, left), waiting);
      left -= Buffer.byteLength(text);
      files.push({ path: name, text });
    } catch (error) {
      waiting.stop.throwIfAborted();
      unread.push(`${name} (${tell(error)})`);
    }
  }
  if (paths.length > mostFiles) unread.push(`${paths.length - mostFiles} files beyond the first ${mostFiles}`);
  return { files, unread };
}

/** Files and links to files; folders behind links are not gone into, since such may lead round and round. */
async function pathsIn(
  root: string,
  { stop }: Waiting,
): Promise<{ readonly paths: readonly string[]; unread: string[] }> {
  const [paths, unread]: [string[], string[]] = [[], []];
  const folders = [{ path: root, level: 0 }];
  let entries = 0;
  for (let folder = folders.shift(); folder; folder = folders.shift()) {
    stop.throwIfAborted();
    for (const entry of await readdir(folder.path, { withFileTypes: true })) {
      const path = join(folder.path, entry.name);
      if (++entries > mostEntries) return { paths: paths.sort(), unread: [`what is beyond ${mostEntries} entries`] };
      if (entry.isDirectory() && !passedOver.has(entry.name)) {
        if (folder.level >= mostLevels) unread.push(`${relative(root, path)} (deeper than ${mostLevels} folders)`);
        else folders.push({ path, level: folder.level + 1 });
      } else if (/\.(ya?ml|json)$/i.test(entry.name) && !entry.isDirectory()) paths.push(path);
    }
  }
  return { paths: paths.sort(), unread };
}

async function within(root: string, file: string): Promise<string> {
  const real = await realpath(file);
  if (real.startsWith(`${root}${sep}`)) return real;
  throw new Error("a link that leads out of the folder");
}
