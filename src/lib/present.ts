/** The fields that have a value. One that is undefined is absent, as a journal gives it back. */
export const present = <T extends object>(fields: T): T =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
