/** Whether two names mean one image: `reviews:v1` is `docker.io/library/reviews:v1`. */
export const sameImage = (one: string, other: string): boolean => one === other || fullName(one) === fullName(other);

/** https://github.com/distribution/reference/blob/main/normalize.go */
function fullName(image: string): string {
  const [first = "", ...rest] = image.replace(/^index\.docker\.io\//, "docker.io/").split("/");
  const hasRegistry = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  const [registry, path] = hasRegistry ? [first, rest] : ["docker.io", [first, ...rest]];
  const inLibrary = registry === "docker.io" && path.length === 1 ? ["library", ...path] : path;
  const tag = /[:@]/.test(inLibrary.at(-1) ?? "") ? "" : ":latest";
  return `${[registry, ...inLibrary].join("/")}${tag}`;
}
