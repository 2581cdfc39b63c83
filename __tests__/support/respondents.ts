import type { Respondents } from "../../src/ports/respondent.ts";

const silent = { ask: async () => undefined, end: () => {} };

/** Where no gate is asked of anybody but the metric source. */
export const noRespondents: Respondents = { json: silent, run: silent };
