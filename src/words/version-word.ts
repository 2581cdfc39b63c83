import type { Account } from "../release/account.ts";
import { knownImage } from "../release/known-image.ts";

/** The version before and the one that comes, as people call them; by their Deployments where nothing else tells. */
export function versionNames(account: Account): { readonly old: string; readonly now: string } {
  const { target } = account;
  const [old, now] = versionWords(account);
  if (old === now) return { old: target.stable.deployment, now: target.canary.deployment };
  return { old: old ?? target.stable.deployment, now: now ?? target.canary.deployment };
}

/** The same two as words; undefined where nobody knows the image. */
export const versionWords = (account: Account): readonly (string | undefined)[] =>
  [account.undoes?.image ?? account.replacedImage, knownImage(account)].map((image) => image && versionWord(image));

/** What tells an image from the one before: its tag, or the beginning of its digest. */
export function versionWord(image: string): string {
  const [name = "", digest] = image.split("@");
  const tag = /:([^/:]+)$/.exec(name)?.[1];
  if (tag !== undefined) return tag;
  if (digest === undefined) return "latest";
  return digest.slice(0, "sha256:".length + 12);
}
