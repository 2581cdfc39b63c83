/** A kubeconfig as somebody gives it. */
export type GivenKubeconfig = { readonly path: string } | { readonly text: string };

/**
 * The path of a file, or the text itself: YAML, JSON that may stand in one line, or either in base64, as people keep it
 * in a secret.
 */
export function givenKubeconfig(given: string): GivenKubeconfig {
  const decoded = /^[\w+/=\s-]+$/.test(given) ? Buffer.from(given, "base64").toString() : "";
  if (hasKeys.test(decoded)) return { text: decoded };
  return given.includes("\n") || given.trimStart().startsWith("{") || hasKeys.test(given)
    ? { text: given }
    : { path: given };
}

const hasKeys = /\b(apiVersion|kind|clusters|users|contexts|current-context)["']?\s*:/;

/** Whether an error may show it: what is no path after all may be a secret. */
export const isPath = (given: string): boolean =>
  /^[\w.,:~/\\ @+-]{1,255}$/.test(given) && !/[\w+-]{40}|[:,] /.test(given);

/**
 * What is no file all the same may be shown only if it is written as paths are: from a folder that is said, with the end of
 * such a file, or in words.
 */
export const hasPathShape = (given: string): boolean =>
  isPath(given) &&
  (/^(~|\.{1,2})?[\\/]/.test(given) ||
    /\.(ya?ml|json|conf|config|cfg|txt)$/i.test(given) ||
    /^[A-Za-z]?[a-z._/-]{1,60}$/.test(given));
