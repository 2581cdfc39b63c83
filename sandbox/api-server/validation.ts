import { isDeepStrictEqual } from "node:util";
import type { Kind } from "./kind.ts";
import { selectorOf } from "./label-selector.ts";
import { isObject, type SentObject } from "./object.ts";
import { type Cause, invalid } from "./status.ts";

type Fields = Readonly<Record<string, unknown>>;

const fields = (value: unknown): Fields => (isObject(value) ? value : {});

const required = (field: string, detail = ""): Cause => ({
  reason: "FieldValueRequired",
  message: `Required value${detail}`,
  field,
});
const wrong = (field: string, value: unknown, because: string): Cause => ({
  reason: "FieldValueInvalid",
  message: `Invalid value: ${JSON.stringify(value)}: ${because}`,
  field,
});

const subdomain = {
  pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  longest: 253,
  because:
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
};
const label = {
  pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
  longest: 63,
  because:
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
};
const nameRules = {
  subdomain,
  label,
  "path-segment": { pattern: /^(?!\.{1,2}$)[^/%]+$/, longest: 253, because: "may not contain '/' or '%'" },
} as const;

const labelValue = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const labelBecause =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

const labelKey = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$/;
const keyBecause =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

function metadataCauses(kind: Kind, { name = "", labels = {} }: NonNullable<SentObject["metadata"]>): readonly Cause[] {
  const rule = nameRules[kind.names];
  const values = Object.values(labels).map(String);
  return [
    ...(name === "" ? [required("metadata.name", ": name or generateName is required")] : []),
    ...(name !== "" && !rule.pattern.test(name) ? [wrong("metadata.name", name, rule.because)] : []),
    ...(name.length > rule.longest
      ? [wrong("metadata.name", name, `must be no more than ${rule.longest} characters`)]
      : []),
    ...Object.keys(labels)
      .filter((key) => !labelKey.test(key))
      .map((key) => wrong("metadata.labels", key, keyBecause)),
    ...values.filter((value) => !labelValue.test(value)).map((value) => wrong("metadata.labels", value, labelBecause)),
    ...values
      .filter((value) => value.length > 63)
      .map((value) => wrong("metadata.labels", value, "must be no more than 63 bytes")),
  ];
}

function templateCauses(spec: Fields): readonly Cause[] {
  const template = fields(spec.template);
  const labels = fields(template.metadata).labels;
  const matches =
    isObject(spec.selector) && selectorOf(spec.selector)(fields(labels) as Readonly<Record<string, string>>);
  const containers = fields(template.spec).containers;
  return [
    ...(spec.selector === undefined ? [required("spec.selector")] : []),
    ...(isObject(spec.selector) && Object.keys(spec.selector).length === 0
      ? [wrong("spec.selector", {}, "empty selector is invalid for deployment")]
      : []),
    ...(matches
      ? []
      : [wrong("spec.template.metadata.labels", labels ?? null, "`selector` does not match template `labels`")]),
    ...volumeCauses("spec.template.spec.volumes", fields(template.spec).volumes),
    ...containerCauses("spec.template.spec.containers", containers),
  ];
}

/** https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/core/validation/validation.go, fileModeErrorMsg */
function modeCauses(field: string, mode: unknown): readonly Cause[] {
  if (typeof mode !== "number" || (mode >= 0 && mode <= 0o777)) return [];
  return [wrong(field, mode, "must be a number between 0 and 0777 (octal), both inclusive")];
}

function volumeCauses(path: string, volumes: unknown): readonly Cause[] {
  if (!Array.isArray(volumes)) return [];
  return volumes.flatMap((volume, at) =>
    ["secret", "configMap", "downwardAPI", "projected"].flatMap((source) => {
      const { defaultMode, items } = fields(fields(volume)[source]);
      const field = `${path}[${at}].${source}`;
      return [
        ...modeCauses(`${field}.defaultMode`, defaultMode),
        ...(Array.isArray(items) ? items : []).flatMap((item, index) =>
          modeCauses(`${field}.items[${index}].mode`, fields(item).mode),
        ),
      ];
    }),
  );
}

function nameCauses(field: string, name: unknown): readonly Cause[] {
  if (typeof name !== "string" || name === "") return [required(field)];
  return label.pattern.test(name) ? [] : [wrong(field, name, label.because)];
}

function containerCauses(path: string, containers: unknown): readonly Cause[] {
  if (!Array.isArray(containers) || containers.length === 0) return [required(path)];
  const names = containers.map((item) => fields(item).name);
  return containers.flatMap((item, at) => [
    ...nameCauses(`${path}[${at}].name`, fields(item).name),
    ...(names.indexOf(fields(item).name) < at
      ? [
          {
            reason: "FieldValueDuplicate",
            message: `Duplicate value: ${JSON.stringify(fields(item).name)}`,
            field: `${path}[${at}].name`,
          },
        ]
      : []),
    ...((fields(item).image ?? "") === "" ? [required(`${path}[${at}].image`)] : []),
  ]);
}

const negative = (field: string, value: unknown): readonly Cause[] =>
  typeof value === "number" && value < 0 ? [wrong(field, value, "must be greater than or equal to 0")] : [];

function deadlineCauses({ progressDeadlineSeconds, minReadySeconds = 0 }: Fields): readonly Cause[] {
  const tooShort =
    typeof progressDeadlineSeconds === "number" &&
    typeof minReadySeconds === "number" &&
    progressDeadlineSeconds <= minReadySeconds;
  return tooShort
    ? [wrong("spec.progressDeadlineSeconds", progressDeadlineSeconds, "must be greater than minReadySeconds")]
    : [];
}

const immutableSelector = (spec: Fields, before: Fields | undefined): readonly Cause[] =>
  before === undefined || isDeepStrictEqual(spec.selector, before.selector)
    ? []
    : [wrong("spec.selector", spec.selector, "field is immutable")];

const specCauses: Readonly<Record<string, (spec: Fields, before: Fields | undefined) => readonly Cause[]>> = {
  Deployment: (spec, before) => [
    ...negative("spec.replicas", spec.replicas),
    ...templateCauses(spec),
    ...deadlineCauses(spec),
    ...immutableSelector(spec, before),
  ],
  ReplicaSet: (spec, before) => [
    ...negative("spec.replicas", spec.replicas),
    ...templateCauses(spec),
    ...immutableSelector(spec, before),
  ],
  Pod: (spec) => containerCauses("spec.containers", spec.containers),
  Service: (spec) =>
    (Array.isArray(spec.ports) && spec.ports.length > 0) || spec.clusterIP === "None" || spec.type === "ExternalName"
      ? []
      : [required("spec.ports")],
  Lease: ({ leaseDurationSeconds: duration, leaseTransitions }) => [
    ...(typeof duration === "number" && duration <= 0
      ? [wrong("spec.leaseDurationSeconds", duration, "must be greater than 0")]
      : []),
    ...negative("spec.leaseTransitions", leaseTransitions),
  ],
};

/** https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/core/validation/validation.go, ValidateConfigMap */
const mostData = 1_048_576;

function dataCauses(kind: Kind, object: SentObject): readonly Cause[] {
  if (kind.kind !== "ConfigMap") return [];
  const values = Object.values(fields(object.data)).map(String);
  if (values.reduce((size, value) => size + Buffer.byteLength(value), 0) <= mostData) return [];
  return [{ reason: "FieldValueTooLong", message: `Too long: may not be more than ${mostData} bytes`, field: "[]" }];
}

/** All that is wrong with an object by the rules of its kind, and with what it became of. */
export function validate(kind: Kind, before: SentObject | undefined, object: SentObject): void {
  const ofSpec =
    specCauses[kind.kind]?.(fields(object.spec), before === undefined ? undefined : fields(before.spec)) ?? [];
  const causes = [...metadataCauses(kind, object.metadata ?? {}), ...dataCauses(kind, object), ...ofSpec];
  if (causes.length > 0) throw invalid(kind, object.metadata?.name ?? "", causes);
}
