import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { block, clip, code, link, oneLine, plain, table } from "../../src/lib/markdown.ts";

/** Text that somebody would write who wants to break out. */
const hostile = fc
  .array(
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom(
        "<!--",
        "-->",
        "|",
        "`",
        "```",
        "@ada",
        "#12",
        "acme/shop#3",
        "GH-7",
        "<script>",
        "](http://x)",
        "\n",
        "\r\n",
        "&lt;",
        "\u202e",
        "$x$",
        "https://x.example",
        "www.x.example",
        "bob@x.example",
        ":shipit:",
        "# ",
        "- ",
        "1. ",
        "0123456789abcdef0123456789abcdef01234567",
      ),
    ),
  )
  .map((parts) => parts.join(""));

/** What GitHub's pages show of our own character references. */
const shown = (markdown: string): string =>
  markdown
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replace(/&#(\d+);/g, (_, number: string) => (number === "8203" ? "" : String.fromCharCode(Number(number))))
    .replaceAll("&amp;", "&");

test("text from outside has nothing left that GitHub would take as markup, HTML, a mention or a reference", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const escaped = plain(text);
      assert.doesNotMatch(escaped.replace(/&(#\d+|lt|gt|amp);/g, ""), /[\\`*_[\]<>&|~$]/);
      assert.doesNotMatch(escaped, /@(?!sha256:)\w|[^&]#\d|\bGH-\d|\n/i);
      assert.doesNotMatch(
        escaped,
        /:\/\/|www\.|:[a-z+-][\w+-]*:|(?<![0-9a-z])[0-9a-f]{40}(?![0-9a-z])|^(#{1,6}|[-+=]|\d+[.)])(\s|$)/i,
      );
    }),
    { numRuns: 500 },
  );
});

test("text from outside is shown as it was, on one line", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      assert.equal(shown(plain(text)), oneLine(text));
    }),
    { numRuns: 500 },
  );
});

test("an image's digest can be copied", () => {
  assert.equal(plain("ada/shop@sha256:0a1b"), "ada/shop@sha256:0a1b");
});

const links = [
  ["see https://evil.example/x", "see https:&#8203;//evil.example/x"],
  ["www.evil.example", "www&#8203;.evil.example"],
  ["bob@evil.example", "bob@&#8203;evil.example"],
  ["mailto:bob@evil.example", "mailto:bob@&#8203;evil.example"],
  ["a:shipit:b", "a:&#8203;shipit:b"],
  ["at 12:30:45", "at 12:30:45"],
  [`in ${"0a".repeat(20)}`, `in 0a0a0a0&#8203;${"a0".repeat(16)}a`],
  ["# big", "&#8203;# big"],
  ["- one", "&#8203;- one"],
  ["12. one", "&#8203;12. one"],
] as const;

for (const [text, escaped] of links)
  test(`GitHub makes no link, picture, heading or list of "${text}"`, () => assert.equal(plain(text), escaped));

test("a mention, an issue and a pull request get a character that nobody sees", () => {
  assert.equal(
    plain("@ada see #12, acme/shop#3 and GH-4"),
    "@&#8203;ada see #&#8203;12, acme/shop#&#8203;3 and GH-&#8203;4",
  );
});

test("a mention and a reference are broken behind an underscore too", () => {
  assert.equal(plain("_@ada"), "&#95;@&#8203;ada");
  assert.equal(plain("_GH-7"), "&#95;GH-&#8203;7");
  assert.equal(plain("see_gh-7 a_@b"), "see&#95;gh-&#8203;7 a&#95;@&#8203;b");
});

test("a pipe in a cell does not end the cell", () => {
  assert.equal(
    table([{ title: "A" }, { title: "B", right: true }], [[code("a|b\\|c"), "1"]]),
    "| A | B |\n| --- | --: |\n| <code>a&#124;b&#92;&#124;c</code> | 1 |",
  );
});

test("a link goes to the web or nowhere", () => {
  assert.equal(link("run", "https://github.com/acme/shop"), "[run](<https://github.com/acme/shop>)");
  assert.equal(link("run", "javascript:alert(1)"), "run");
  assert.equal(link("run", "not an address"), "run");
  assert.equal(link("a]b", "https://x.example/?q=a|b>c"), "[a&#93;b](<https://x.example/?q=a%7Cb%3Ec>)");
});

test("a block's fence is longer than any in its text", () => {
  assert.equal(block("a\n```\nb", "sh"), "````sh\na\n```\nb\n````");
});

test("a text that is cut says so, has the length that was asked for, and no half of a character", () => {
  assert.equal(clip("abcdef", 4), "abc…");
  assert.equal(clip("abcd", 4), "abcd");
  assert.equal(clip("ab😀cd", 4), "ab…");
});
