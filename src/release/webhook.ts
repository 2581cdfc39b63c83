/** What of a release somebody may want to be told by a webhook. */
export const newsKinds = ["started", "waiting", "held", "succeeded", "rolled-back", "failed", "refused"] as const;
export type NewsKind = (typeof newsKinds)[number];

/** Whose webhooks take a message, each in a form of its own; `json` is for a program. */
export const messageForms = ["slack", "teams", "discord", "json"] as const;
export type MessageForm = (typeof messageForms)[number];

/** Where a message goes, and about what. The address is a secret: whoever knows it may post there. */
export type Webhook = { readonly url: string; readonly form: MessageForm; readonly on: readonly NewsKind[] };
