import assert from "node:assert/strict";
import test from "node:test";
import { fold } from "../../../src/evidence/ledger.ts";
import type { Account } from "../../../src/release/account.ts";
import { accountInWords } from "../../../src/words/in-words.ts";
import { reportPage } from "../../../src/words/page/report-page.ts";
import { evidencePlan, evidenceSamples, evidenceTale } from "../evidence-tale.ts";
import { samples } from "../sample.ts";

const page = (account: Account): string => {
  const report = accountInWords(account);
  return reportPage(report, { version: 1, account: report });
};

const textOf = (html: string): string =>
  html
    .replace(/<script.*?<\/script>|<style.*?<\/style>/gs, "")
    .replace(/<[^>]+>/g, " ")
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));

const linesOf = (html: string, look: string): readonly string[] =>
  [...html.matchAll(new RegExp(`<path class="line ${look}(?: thin)?" d="(M\\d[^"]+)"`, "g"))].map(
    ([, path = ""]) => path,
  );

test("a rolled-back release shows who failed how often, the reason, and each decision with its number", () => {
  const html = page(evidenceSamples["rolled-back-by-evidence"]);
  const text = textOf(html);
  for (const wanted of [
    "❌ shop/reviews: rolled back, all requests go to reviews-v1 again",
    "5.87% of the canary's requests failed (33 of 562)",
    "1,162",
    "2 · 25%",
    "45s of 5m",
    "not reached",
    "20 is proof: worse than stable, not broken, broken",
  ])
    assert.ok(text.includes(wanted), wanted);
  assert.doesNotMatch(text, /2m of 2m/, "a stage that had its whole time, or none, is told by it alone");
  assert.equal(html.match(/<figure>/g)?.length, 4);
  assert.equal(html.match(/<li><time>/g)?.length, evidenceSamples["rolled-back-by-evidence"].log.length);
  assert.equal(linesOf(html, "stable").filter((path) => path !== "M0 4H28").length, 4); // failures, p50, p99, not broken
});

test("the planned share goes back to nothing where the release has", () => {
  const last = (account: Account): string => linesOf(page(account), "plan").find((path) => path !== "M0 4H28") ?? "";
  assert.match(last(evidenceSamples["rolled-back-by-evidence"]), /L730,162$/); // the chart's lower right corner
  assert.match(last(evidenceSamples["passed-by-evidence"]), /L730,20$/); // the upper one
});

for (const [name, account] of Object.entries({ ...samples, ...evidenceSamples }))
  test(`a release that is ${name.replaceAll("-", " ")} has a page without a number that is none`, () => {
    assert.doesNotMatch(textOf(page(account)), /NaN|Infinity|undefined/);
    assert.doesNotMatch(page(account).replace(/<script.*/s, ""), /NaN|Infinity/);
  });

test("nothing from outside becomes markup, or ends the report in the page", () => {
  const hostile = `</script><img src=x onerror="alert('1')">&amp;`;
  const { target, ...account } = evidenceSamples["rolled-back-by-evidence"];
  const html = page({
    ...account,
    target: { ...target, service: hostile, image: hostile, canary: { ...target.canary, deployment: hostile } },
    run: { id: hostile, actor: hostile, url: `javascript:alert("1")` },
    warnings: [hostile],
    settled: false,
    differences: [hostile],
  });
  assert.equal(html.match(/<img/g), null);
  assert.equal(html.match(/<\/script>/g)?.length, 1);
  assert.doesNotMatch(html.replace(/<script.*/s, ""), /javascript:/);
  const [, json = ""] = /id="report">(.*)<\/script>/.exec(html) ?? [];
  assert.equal(JSON.parse(json).account.target.service, hostile);
});

test("polls that were folded have no points, and that is said", () => {
  const account = evidenceSamples["rolled-back-by-evidence"];
  const { settings } = account.plan.evidence;
  const many = { ...account.ledger, polls: Array.from({ length: 500 }, () => account.ledger.polls[0] ?? "") };
  const html = page({ ...account, ledger: fold(many, settings) });
  assert.match(textOf(html), /The first 260 looks are kept as what they prove/);
});

test("a plan of a hundred stages, and a week of polls, stay a page", () => {
  const stages = Array.from({ length: 100 }, (_, index) => ({
    ...(evidencePlan.stages[0] ?? assert.fail()),
    name: `${index + 1}%`,
    weight: index + 1,
  }));
  const steady = () => ({ stable: [50, 0], canary: [5, 0] }) as const;
  const account = evidenceTale(steady, { ...evidencePlan, stages, deadline: 3_600_000_000 }).at(-1) ?? assert.fail();
  const html = page(account);
  const rows = html.match(/<th scope="row">\d+ · /g)?.length;
  assert.equal(rows, 100);
  assert.ok((linesOf(html, "canary")[1] ?? "").split("L").length <= 200, "points of a line");
});
