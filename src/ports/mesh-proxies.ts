import type { Learners, Lesson } from "../release/learnt.ts";

/** The Envoys that requests of a release pass: the gateways that its routes name, and some of the callers in the mesh. */
export interface MeshProxies {
  /** Looks at them for what was written last. Whoever has learnt it is not asked again. */
  teach(lesson: Lesson): { look(signal: AbortSignal): Promise<Learners> };
}
