import type { HttpAnswer, HttpRequest } from "../src/world/transport.ts";

/** GitHub as far as a release asks it: one pull request, whose comments it keeps. */
export interface SimulatedGitHub {
  readonly comments: readonly string[];
  answer(request: HttpRequest): HttpAnswer;
}

export const pullRequest = 7;
const login = "github-actions[bot]";

export function simulatedGitHub(): SimulatedGitHub {
  const comments: string[] = [];
  const comment = (index: number) => ({
    id: index + 1,
    body: comments[index],
    html_url: `https://github.simulated/acme/shop/pull/${pullRequest}#${index + 1}`,
    user: { login },
  });

  function respond(method: string, path: string, body: { readonly body?: string }): HttpAnswer {
    if (path === "/graphql") return json(200, { data: { viewer: { login } } });
    if (method === "GET" && path.endsWith("/comments"))
      return json(
        200,
        comments.map((_, index) => comment(index)),
      );
    if (method === "POST" && path.endsWith("/comments")) return json(201, comment(comments.push(body.body ?? "") - 1));
    const edited = /\/comments\/(\d+)$/.exec(path)?.[1];
    if (method === "PATCH" && edited !== undefined) {
      comments[Number(edited) - 1] = body.body ?? "";
      return json(200, comment(Number(edited) - 1));
    }
    return json(404, { message: "Not Found" });
  }

  return { comments, answer: ({ method, url, body = "{}" }) => respond(method, url.pathname, JSON.parse(body)) };
}

const json = (status: number, body: unknown): HttpAnswer => ({
  status,
  headers: { "content-type": "application/json; charset=utf-8" },
  text: JSON.stringify(body),
});
