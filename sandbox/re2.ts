/**
 * A pattern as Istio and Prometheus read it: RE2 (https://github.com/google/re2/wiki/Syntax), and the whole text has to match.
 * Throws a SyntaxError where a pattern is none, and where it is one only in JavaScript.
 */
export function fullMatch(pattern: string): RegExp {
  const foreign = /\(\?<?[=!]|\\[1-9]/.exec(pattern.replaceAll("\\\\", ""));
  if (foreign) throw new SyntaxError(`invalid or unsupported Perl syntax: \`${foreign[0]}\``);
  const [, flags = "", rest = pattern] = /^\(\?([imsU]+)\)(.*)$/s.exec(pattern) ?? [];
  return new RegExp(`^(?:${rest.replaceAll("(?P<", "(?<")})$`, flags.includes("i") ? "is" : "s");
}
