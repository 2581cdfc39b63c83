/** A name that nothing else has, made of chance (numbers from 0 up to 1): a version 4 of RFC 9562. */
export const uuid = (random: () => number): string =>
  "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx".replace(/[xy]/g, (letter) => {
    const digit = Math.floor(random() * 16);
    return (letter === "x" ? digit : (digit % 4) + 8).toString(16);
  });
