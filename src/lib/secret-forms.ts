/** What a secret becomes on its way through URLs, JSON, HTML and base64, itself first. */
export function formsOfSecret(secret: string): ReadonlySet<string> {
  const whole = secret.toWellFormed();
  const bytes = Buffer.from(whole);
  const json = JSON.stringify(whole);
  const encoded = encodeURIComponent(whole);
  const forms = [
    secret,
    encoded,
    encoded.replace(/%../g, (code) => code.toLowerCase()),
    new URLSearchParams([["", whole]]).toString().slice(1),
    unquoted(json),
    unquoted(JSON.stringify(unquoted(json))),
    unquoted(json).replace(/[<>&]/g, codeOf), // Go's encoder
    unquoted(json).replace(/[^ -~]/g, codeOf), // Python's
    ...htmlNames.map((names) => whole.replace(/[&<>"']/g, (character) => names[character] ?? character)),
    bytes.toString("hex"),
    ...inBase64(bytes),
  ];
  return new Set(forms);
}

const unquoted = (json: string): string => json.slice(1, -1);

const codeOf = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

const markup = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
const htmlNames: readonly Readonly<Record<string, string>>[] = [
  markup,
  { ...markup, '"': "&quot;", "'": "&#39;" },
  { ...markup, '"': "&#34;", "'": "&#39;" }, // Go's html/template
];

/** Shorter ones occur by chance. */
const shortestBase64 = 5;

/**
 * Three bytes are four characters, so what a secret is in base64 depends on how many bytes stand before it; a character
 * that has bits of its neighbours is none of it. The first is that of a secret which ends what was encoded.
 */
function inBase64(bytes: Buffer): readonly string[] {
  const texts = [bytes.toString("base64").replace(/=+$/, "")];
  for (const before of [0, 1, 2]) {
    const bits = (before + bytes.length) * 8;
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64");
    texts.push(text.slice(Math.ceil((before * 8) / 6), Math.floor(bits / 6)));
  }
  const forUrls = texts.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"));
  return [...texts, ...forUrls].filter((text) => text.length >= shortestBase64);
}
