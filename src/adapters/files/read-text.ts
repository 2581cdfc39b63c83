import { createReadStream } from "node:fs";

/** No configuration, manifest or kubeconfig is as large: an API server takes no larger object. */
export const mebibyte = 1_048_576;

/** Reads a file as text, and no more than `most` bytes: it may be a disk image, or have no end at all. */
export async function readText(path: string, most: number): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of createReadStream(path, { end: most }) as AsyncIterable<Buffer>) {
    parts.push(part);
    size += part.length;
  }
  if (size > most) throw new Error(`it has more than ${most.toLocaleString("en")} bytes, and no more are read`);
  return Buffer.concat(parts).toString("utf8");
}
