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

/** For what is good to know and no more; 404 is a kind that the server does not have. */
export async function unlessDenied<T, E>(reading: Promise<T>, otherwise: E): Promise<T | E> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof KubernetesError && (error.status === 403 || error.status === 404)) return otherwise;
    throw error;
  }
}
