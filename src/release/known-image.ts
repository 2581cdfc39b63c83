import type { ReleaseRecord } from "./release-record.ts";

/** What a release is of: the image that was asked for, else what its canary had when it became ready. */
export const knownImage = ({ target, judged }: Pick<ReleaseRecord, "target" | "judged">): string | undefined =>
  target.image ?? judged?.image;
