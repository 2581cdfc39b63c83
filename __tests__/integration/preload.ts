/** What NODE_OPTIONS has to be, so that the program runs this code before its own. */
const preloaded = (code: string): Readonly<Record<string, string>> => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}`,
});

/** A defect at the signal SIGUSR2, with these words: something is thrown where nobody catches it. */
export const throwing = (words: string): Readonly<Record<string, string>> =>
  preloaded(`process.on("SIGUSR2", () => { throw new Error(${JSON.stringify(words)}); });`);

/** A defect at the signal SIGUSR2, with these words: a promise is rejected that nobody waits for. */
export const rejecting = (words: string): Readonly<Record<string, string>> =>
  preloaded(`process.on("SIGUSR2", () => void Promise.reject(new Error(${JSON.stringify(words)})));`);

/** A Node that says that it is of this version. */
export const aged = (version: string): Readonly<Record<string, string>> =>
  preloaded(`Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${version}" } });`);

/** Standard output that says of itself that it is a terminal. */
export const onTerminal = (): Readonly<Record<string, string>> => preloaded("process.stdout.isTTY = true;");

/** Something that is never over, such as a connection that nobody closes. */
export const hanging = (): Readonly<Record<string, string>> => preloaded("setInterval(() => {}, 1_000);");
