import { KubernetesError } from "./kubernetes-client.ts";

/** Undefined for what this job may not read. */
export async function unlessForbidden<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof KubernetesError && error.status === 403) return undefined;
    throw error;
  }
}

/** Undefined also for a kind that the server does not have. */
export async function unlessUnknown<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await unlessForbidden(reading);
  } catch (error) {
    if (error instanceof KubernetesError && error.status === 404) return undefined;
    throw error;
  }
}
