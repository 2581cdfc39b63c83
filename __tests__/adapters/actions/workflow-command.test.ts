import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import test from "node:test";
import { annotation, closeGroup, mask, openGroup } from "../../../src/adapters/actions/workflow-command.ts";

const commands = [
  ["a notice", annotation("notice", "Istio Canary", "released"), "::notice title=Istio Canary::released\n"],
  [
    "what would end a property or a line",
    annotation("error", "shop/reviews: 10%, held", "one\r\ntwo: 5%, three"),
    "::error title=shop/reviews%3A 10%25%2C held::one%0D%0Atwo: 5%25, three\n",
  ],
  ["a command inside of a message", annotation("warning", "a", "b\n::error::c"), "::warning title=a::b%0A::error::c\n"],
  ["a mask", mask("100%\nsecret"), "::add-mask::100%25%0Asecret\n"],
  ["a group", openGroup("Stage 1 of 3: 10%"), "::group::Stage 1 of 3: 10%25\n"],
  ["the end of a group", closeGroup(), "::endgroup::\n"],
] as const;

for (const [name, command, line] of commands) {
  test(`${name} is written as the runner reads it: ${JSON.stringify(line)}`, () => assert.equal(command, line));
}

test("a title and a message are cut where GitHub would cut them", () => {
  const [, title = "", message = ""] =
    /^::error title=(.*?)::(.*)\n$/.exec(annotation("error", "t".repeat(300), "m".repeat(5_000))) ?? [];
  assert.deepEqual([title.length, message.length], [250, 4_096]);
});

test("a command reaches no stream by itself, and what is written after it does", async () => {
  const file = join(import.meta.dirname, "../../../src/adapters/actions/workflow-command.ts");
  const script = `
    import { annotation, mask } from ${JSON.stringify(file)};
    const lines = [mask("hunter22"), annotation("error", "a", "b")];
    console.log("all there is");
    console.error(lines.length);
  `;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", script]);
  const [out] = await Promise.all([text(child.stdout), once(child, "exit")]);
  assert.equal(out, "all there is\n");
});
