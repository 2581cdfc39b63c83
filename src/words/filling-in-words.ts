type VariableInManifests = { readonly name: string; readonly from: string; readonly places: readonly string[] };

/** What became of variables in manifests, a sentence for each. Their values may be secret, and stand in none. */
export function fillingInWords(
  filled: readonly VariableInManifests[],
  left: readonly string[],
): readonly { readonly what: string; readonly next?: string | undefined }[] {
  const sentences = filled.map(({ name, from, places }) => ({
    what: `\${${name}} is filled from the ${from}: ${places.join(", ")}.`,
  }));
  if (left.length === 0) return sentences;
  const names = left.map((name) => `\${${name}}`).join(", ");
  return [
    ...sentences,
    {
      what: `Manifests have ${names} in them, which ${left.length === 1 ? "stays as it is" : "stay as they are"}.`,
      next: "What is to be filled in has to be listed under variables.",
    },
  ];
}
