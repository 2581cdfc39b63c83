/** The canary's share, where it is called by what it is. */
export const weightInWords = (weight: number): string => (weight === 0 ? "testers alone" : `${weight}%`);
