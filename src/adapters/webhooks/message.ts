import type { MessageForm } from "../../release/webhook.ts";
import type { News } from "../../words/news.ts";
import { versionWord } from "../../words/version-word.ts";

/** A message as it is posted. What came from outside is text in it: no markup, no link, and nobody is called. */
export const messageOf = (form: MessageForm, news: News): object => forms[form](news);

function titleOf({ mark, namespace, service, image, headline }: News): string {
  const version = image === undefined ? "" : ` ${versionWord(image)}`;
  return `${mark} ${namespace}/${service}${version}: ${headline}`;
}

function linesOf({ because, next, cluster }: News): readonly string[] {
  const lines = [because];
  if (next !== undefined) lines.push(`Next: ${next}`);
  if (cluster !== "") lines.push(`Cluster ${cluster}`);
  return lines;
}

const forms: Readonly<Record<MessageForm, (news: News) => object>> = {
  slack(news) {
    const text = [titleOf(news), ...linesOf(news)].map(inSlack).join("\n");
    return { text: news.url === undefined ? text : `${text}\n<${inSlack(news.url)}|Run and its log>` };
  },
  teams: teamsCard,
  discord(news) {
    const lines = [`**${inDiscord(titleOf(news))}**`, ...linesOf(news).map(inDiscord)];
    if (news.url !== undefined) lines.push(`<${news.url}>`);
    return { content: lines.join("\n").slice(0, longestContent), allowed_mentions: { parse: [] } };
  },
  json: (news) => ({ version: 1, ...news }),
};

/** Discord takes no longer ones: https://discord.com/developers/docs/resources/webhook#execute-webhook */
const longestContent = 2_000;

/** Calls and links stand in angle brackets: https://api.slack.com/reference/surfaces/formatting#escaping */
const inSlack = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const inDiscord = (text: string): string => text.replace(/[\\*_~`|>[\]()<#@:-]/g, "\\$&");

/**
 * What a workflow takes that was made from "Post to a channel when a webhook request is received"; the older Office
 * connectors are retired. Runs of text know no Markdown, which blocks of text do.
 */
function teamsCard(news: News): object {
  const run = (text: string, weight = "Default") => ({
    type: "RichTextBlock",
    inlines: [{ type: "TextRun", text, weight }],
  });
  const actions = news.url === undefined ? [] : [{ type: "Action.OpenUrl", title: "Run and its log", url: news.url }];
  const content = {
    $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
    type: "AdaptiveCard",
    version: "1.2",
    body: [run(titleOf(news), "Bolder"), ...linesOf(news).map((line) => run(line))],
    actions,
  };
  const contentType = "application/vnd.microsoft.card.adaptive";
  return { type: "message", attachments: [{ contentType, contentUrl: null, content }] };
}
