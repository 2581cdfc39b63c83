/**
 * Why something cannot be done as asked, and what to do about it, both for people. A finding of a preflight, or an
 * error's message.
 */
export type Obstacle = { readonly problem: string; readonly next: string };
