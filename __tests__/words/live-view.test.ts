import test from "node:test";
import { liveView } from "../../src/words/live-view.ts";
import { assertGolden } from "../support/golden.ts";
import { evidenceTales } from "./evidence-tale.ts";

for (const columns of [80, 120])
  test(`frames of ${columns} columns read as they were reviewed`, () => {
    const frames = Object.entries(evidenceTales).flatMap(([name, accounts]) =>
      [0.3, 0.75, 1].flatMap((part) => {
        const account = accounts[Math.floor((accounts.length - 1) * part)];
        if (account === undefined) return [];
        return [
          `== ${name}: ${account.state.phase}`,
          ...liveView(account, account.now, columns).map(({ text }) => text),
        ];
      }),
    );
    assertGolden(`log/frames-${columns}.txt`, `${frames.join("\n")}\n`);
  });
