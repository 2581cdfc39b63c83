/** Text from outside as a browser shows it and nothing more, between tags and in attributes. */
export const escaped = (text: string): string => text.replace(/[&<>"']/g, (found) => `&#${found.charCodeAt(0)};`);

/** JSON for a `script` that nobody runs: no text in it can end that element or begin a comment. */
export const jsonInHtml = (value: unknown): string => JSON.stringify(value).replaceAll("<", "\\u003c");
