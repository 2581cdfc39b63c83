import type { KubernetesClient } from "./kubernetes-client.ts";

/**
 * A client for one look at the cluster: whatever is asked for again is not read again, so that all of it is of one
 * moment. Writes and dry runs go through.
 */
export const readOnce = (client: KubernetesClient): KubernetesClient => ({
  ...client,
  get: once(client.get),
  list: once(client.list),
  versions: once(client.versions),
  kinds: once(client.kinds),
});

/** Which versions and kinds of an API a server offers stays as it is while a job runs. */
export const rememberVersions = (client: KubernetesClient): KubernetesClient => ({
  ...client,
  versions: once(client.versions),
  kinds: once(client.kinds),
});

/** A question that failed may be asked again. */
function once<Question extends readonly unknown[], Answer>(
  ask: (...question: Question) => Promise<Answer>,
): (...question: Question) => Promise<Answer> {
  const answers = new Map<string, Promise<Answer>>();
  return (...question) => {
    const key = JSON.stringify(question);
    const known = answers.get(key);
    if (known) return known;
    const answer = ask(...question);
    answers.set(key, answer);
    answer.catch(() => answers.delete(key));
    return answer;
  };
}
