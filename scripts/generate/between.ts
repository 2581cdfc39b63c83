/** Replaces what stands between `<!-- name -->` and `<!-- /name -->`; a page without these marks stays as it is. */
export function between(page: string, name: string, content: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [start, end] = [page.indexOf(open), page.indexOf(close)];
  return start === -1 || end === -1 ? page : `${page.slice(0, start + open.length)}\n\n${content}\n${page.slice(end)}`;
}
