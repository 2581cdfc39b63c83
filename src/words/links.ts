import { code, link, plain } from "../lib/markdown.ts";
import type { Account } from "../release/account.ts";
import type { Run } from "../release/release-record.ts";

/** Where a report can point to. */
export type Links = {
  /** The page with the button "Run workflow". */
  readonly workflow?: string | undefined;
  /** URL templates by name: {namespace} {service} {stable} {canary} {from} {to} (milliseconds) are filled in. */
  readonly dashboards: Readonly<Record<string, string>>;
};

/** The templates filled with one release: its versions, and the time from its start until now. */
export function dashboardLinks({ dashboards }: Links, { target, startedAt, now }: Account): readonly string[] {
  const values: Readonly<Record<string, string>> = {
    namespace: target.namespace,
    service: target.service,
    stable: target.stable.deployment,
    canary: target.canary.deployment,
    from: String(startedAt),
    to: String(now),
  };
  const fillIn = (whole: string, key: string): string => {
    const value = values[key];
    return value === undefined ? whole : encodeURIComponent(value);
  };
  return Object.entries(dashboards).map(([name, template]) => link(name, template.replace(/\{(\w+)\}/g, fillIn)));
}

/** The run, by whom, and the dashboards, as one line. */
export const linkLine = (links: Links, account: Account): string =>
  [runLink(account.run), ...dashboardLinks(links, account)].join(" · ");

/** The run, by whom. */
export function runLink(run: Run): string {
  const ran = run.url === undefined ? `Run ${code(run.id)}` : link("Run and its log", run.url);
  return run.actor === undefined ? ran : `${ran} by ${plain(run.actor)}`;
}
