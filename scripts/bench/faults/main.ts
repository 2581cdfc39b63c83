import { writeFileSync } from "node:fs";
import { faults } from "./fault.ts";
import { faultRow } from "./fault-row.ts";

/* npm run bench faults: plays every fault, and the same world without it, and writes docs/faults.md; exit code 1 where one was missed, or a good release was blamed. */

const rows: string[] = [];
for (const fault of faults) {
  const row = await faultRow(fault);
  rows.push(row);
  console.log(row);
}

const page = `# Faults

<!-- Made by \`npm run bench faults\`; do not edit. -->

What becomes of a version that is bad, by the way in which it is, and of a good one when the world around it fails. Each row is a release of the real program in a simulated cluster, on a clock that jumps: three pods of each version, 50 requests a second, one failure in 500 and answers in 20ms where the row says nothing else; stages of 10% and 50% for five minutes each, judged by evidence with its defaults; Prometheus scrapes the callers' proxy every 15 seconds. How the world is made: [testing.md](testing.md#the-faults).

* **Rolled back**: all requests go to stable again. **Held**: the job is red, the canary keeps its share, and somebody decides. **Not judged**: the version is released, and the row says why nothing shows it, and what would.
* *Time*: from when the fault began until the canary had its last request. It has the first two minutes to warm up, in which only plain failure counts.
* *Bad answers*: those that its callers had until then: failures, those that they gave up or never got, slow ones.
* *False alarm*: what became of the same world without the fault. Empty: it was released.

| Fault | Outcome | Time | Bad answers | What was told | False alarm |
| --- | --- | --: | --: | --- | --- |
${rows.join("\n")}
`;
writeFileSync("docs/faults.md", page);
process.exitCode = rows.every((row) => !row.includes("| MISSED |") && row.endsWith("|  |")) ? 0 : 1;
