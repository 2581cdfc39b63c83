/** What a container does, read from its image's tag, so that a test or a demo says it in one place. */
export type ImageBehaviour = {
  /** `v2` of `:v2-err20`: the version that it serves as. */
  readonly version: string;
  readonly start: "runs" | "crashes" | "cannot-be-pulled" | "has-no-config" | "does-not-fit";
  /** False: runs, and its readiness probe never passes. */
  readonly becomesReady: boolean;
  /** Seconds that it is healthy before it exits for good. */
  readonly diesAfter?: number;
};

const starts = {
  "-crash": "crashes",
  "-pullfail": "cannot-be-pulled",
  "-configerr": "has-no-config",
  "-unsched": "does-not-fit",
} as const;

/**
 * `:v2` becomes ready; `-notready` never does; `-crash`, `-pullfail`, `-configerr` and `-unsched` never run; `-die10` crashes after ten seconds.
 * Other parts (`-err20`, `-slow300`) are about how it answers, which is not the API server's affair.
 */
export function behaviourOf(image: string): ImageBehaviour {
  const tag = image.split("@")[0]?.split("/").at(-1)?.split(":")[1] ?? "latest";
  const dies = /-die(\d+)/.exec(tag)?.[1];
  return {
    version: tag.split("-")[0] ?? tag,
    start: Object.entries(starts).find(([part]) => tag.includes(part))?.[1] ?? "runs",
    becomesReady: !tag.includes("-notready"),
    ...(dies === undefined ? {} : { diesAfter: Number(dies) }),
  };
}
