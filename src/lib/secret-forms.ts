import { readingsOf } from "./readings.ts";

/**
 * What a secret becomes where it is not merely escaped: in hexadecimal, in lists of bytes, in base64 and in base64 of
 * that. Itself comes first. Escapes are undone by whoever searches (`readings.ts`), in the secret as well, which may
 * have in it what looks like one.
 */
export function formsOfSecret(secret: string): ReadonlySet<string> {
  const whole = secret.toWellFormed();
  const bytes = Buffer.from(whole);
  const encoded = [whole, encodeURIComponent(whole), JSON.stringify(whole).slice(1, -1)];
  const once = encoded.flatMap((text) => inBase64(Buffer.from(text)));
  const forms = [
    secret,
    ...encoded, // for whoever cuts them
    ...readingsOf(whole).map(({ text }) => text),
    new URLSearchParams([["", whole]]).toString().slice(1), // a plus for a space
    bytes.toString("hex"),
    bytes.toString("hex").toUpperCase(),
    bytes.join(" "), // Go's
    bytes.join(", "),
    bytes.join(","), // JSON's
    ...once,
    ...once.flatMap((text) => inBase64(Buffer.from(text))),
  ];
  return new Set(forms.filter((form) => form.length >= shortestForm));
}

const shortestForm = 4;

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
