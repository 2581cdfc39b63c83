/** A share with its 99.9% confidence bounds, all between 0 and 1. */
export type Share = { readonly share: number; readonly low: number; readonly high: number };

/** The normal quantile for 99.9%, two-sided: whoever asks every day is told once in three years what is not so. */
const z = 3.2905267314919255;

/**
 * Wilson's score interval for a binomial share: right also near 0 and with few requests, where p ± 2σ is not.
 * E. B. Wilson, JASA 22 (1927) 209–212. Undefined without requests.
 */
export function wilson(hits: number, requests: number): Share | undefined {
  if (requests <= 0) return undefined;
  const share = hits / requests;
  const scale = 1 + z ** 2 / requests;
  const centre = (share + z ** 2 / (2 * requests)) / scale;
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / requests + z ** 2 / (4 * requests ** 2));
  return { share, low: hits === 0 ? 0 : centre - half, high: hits === requests ? 1 : centre + half };
}
