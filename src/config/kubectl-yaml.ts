import {
  boolYaml11Tag,
  defineScalarTag,
  FAILSAFE_SCHEMA,
  mapTag,
  mergeTag,
  NOT_RESOLVED,
  nullYaml11Tag,
  type Schema,
} from "js-yaml";

/**
 * YAML as kubectl reads it, which is neither 1.1 nor 1.2: `0400` and `0o400` are octal, `yes` and `on` are true, `<<`
 * merges, and a date or `1:30` is text: https://github.com/kubernetes-sigs/yaml/blob/master/goyaml.v2/resolve.go
 */
const integer = defineScalarTag("tag:yaml.org,2002:int", {
  implicit: true,
  implicitFirstChars: [..."-+0123456789"],
  resolve: (source) => exactly(source) ?? NOT_RESOLVED,
  identify: Number.isInteger,
});

const float = defineScalarTag("tag:yaml.org,2002:float", {
  implicit: true,
  implicitFirstChars: [..."-+.0123456789"],
  resolve: (source) => floatIn(source) ?? NOT_RESOLVED,
  identify: (value) => typeof value === "number",
});

/** What is in it, as text: JSON has nothing else for it. */
const binary = defineScalarTag("tag:yaml.org,2002:binary", {
  resolve: (source) => Buffer.from(source, "base64").toString("utf8"),
  identify: () => false,
});

/** https://github.com/kubernetes-sigs/yaml/blob/master/yaml.go: "unsupported map key of type" */
const mapping = {
  ...mapTag,
  addPair: (carrier: Record<string, unknown>, key: unknown, value: unknown) =>
    key === null ? "a key is null, and kubectl takes none" : mapTag.addPair(carrier, key, value),
};

export const kubectlSchema: Schema = FAILSAFE_SCHEMA.withTags(
  mapping,
  nullYaml11Tag,
  boolYaml11Tag,
  integer,
  float,
  binary,
  mergeTag,
);

/** Beyond these kubectl takes a whole number for a float; between them and 2^53 it keeps what a number here would not. */
const [least, most] = [-(2n ** 63n), 2n ** 64n - 1n];

/** A whole number that would be rounded stays a bigint, so that whoever reads it can say so. */
function exactly(source: string): number | bigint | undefined {
  const value = integerIn(source);
  if (value === undefined) return undefined;
  const rounded = Number(value);
  return Number.isSafeInteger(rounded) || value < least || value > most ? rounded : value;
}

const bases: readonly (readonly [digits: RegExp, prefix: string])[] = [
  [/^0b([01]+)$/i, "0b"],
  [/^0x([\da-f]+)$/i, "0x"],
  [/^0o?([0-7]+)$/i, "0o"],
  [/^(0|[1-9]\d*)$/, ""],
];

function integerIn(source: string): bigint | undefined {
  const [, sign = "", plain = ""] = /^([-+]?)(\d\w*)$/.exec(source.replaceAll("_", "")) ?? [];
  for (const [digits, prefix] of bases) {
    const [, found] = digits.exec(plain) ?? [];
    if (found !== undefined) return BigInt(prefix + found) * (sign === "-" ? -1n : 1n);
  }
  return undefined;
}

/** `089` is no octal number, and so it is this. */
function floatIn(source: string): number | undefined {
  const plain = source.startsWith(".") ? source : source.replaceAll("_", "");
  if (!/^[-+]?(\.\d+|\d+(\.\d*)?)(e[-+]?\d+)?$/i.test(plain)) return undefined;
  const value = Number(plain);
  return Number.isFinite(value) ? value : undefined;
}
