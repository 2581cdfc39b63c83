import { istioWebhook, reviewIstioObject } from "./istio-webhook.ts";
import type { Kind } from "./kind.ts";
import type { SentObject } from "./object.ts";
import { denied } from "./status.ts";

/** A write that somebody's webhook refuses. Fields that are not given match everything. */
export type Denial = {
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** Looks at the object as it would be stored. */
  readonly when?: (object: SentObject) => boolean;
  /** What the webhook says: the part after `denied the request: `. */
  readonly because: string;
  /** Default: istiod's. */
  readonly webhook?: string;
  /** How often it refuses. Default: until it is taken back. */
  readonly times?: number;
};

/** The webhooks that see each write before it is stored, a dry run's too. */
export interface Admission {
  /** Adds a refusal; the answer takes it back. */
  deny(denial: Denial): () => void;
  /** Throws the refusal, or gives the warnings. */
  review(kind: Kind, object: SentObject): readonly string[];
}

export function createAdmission(): Admission {
  const denials = new Map<Denial, number>();

  const matches = (denial: Denial, kind: Kind, object: SentObject): boolean =>
    (denial.kind ?? kind.kind) === kind.kind &&
    (denial.namespace ?? object.metadata?.namespace) === object.metadata?.namespace &&
    (denial.name ?? object.metadata?.name) === object.metadata?.name &&
    (denial.when?.(object) ?? true);

  return {
    deny(denial) {
      denials.set(denial, denial.times ?? Number.POSITIVE_INFINITY);
      return () => denials.delete(denial);
    },
    review(kind, object) {
      const found = [...denials].find(([denial, left]) => left > 0 && matches(denial, kind, object));
      if (found !== undefined) {
        const [denial, left] = found;
        denials.set(denial, left - 1);
        throw denied(denial.webhook ?? istioWebhook, denial.because);
      }
      if (!kind.custom) return [];
      const { error, warnings } = reviewIstioObject(kind, object);
      if (error !== undefined) throw denied(istioWebhook, error);
      return warnings;
    },
  };
}
