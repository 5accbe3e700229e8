/**
 * Matches a path with a PATHPATTERN of the specification (4.5), which is glob(7): `*` and `?` match within one segment of
 * a path and never a slash, `[a-z]` and `[!a-z]` match one character. Case counts. A leading dot is nothing special.
 *
 * Delegations and the edge's scopes (edge/publish/scope.ts) use it. Others write the patterns, so it uses no regular
 * expression: whatever the pattern, the time is bounded by the product of the lengths.
 */
export function matchesPattern(pattern: string, path: string): boolean {
  const patterns = pattern.split("/");
  const segments = path.split("/");
  return (
    patterns.length === segments.length &&
    patterns.every((one, i) => matchesSegment(tokens(one), [...(segments[i] ?? "")]))
  );
}

type Token = "star" | ((character: string) => boolean);

/**
 * Matches one segment. Only the last star needs to be tried again: if an earlier one took more, a later one would have
 * less.
 */
function matchesSegment(pattern: readonly Token[], text: readonly string[]): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let starText = 0;
  while (t < text.length) {
    const token = pattern[p];
    if (token === "star") {
      star = p++;
      starText = t;
    } else if (token?.(text[t] ?? "")) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++starText;
    } else {
      return false;
    }
  }
  return pattern.slice(p).every((token) => token === "star");
}

function tokens(pattern: string): Token[] {
  const characters = [...pattern];
  const out: Token[] = [];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? "";
    const close = character === "[" ? closing(characters, at) : -1;
    if (close > 0) out.push(bracket(characters.slice(at + 1, close)));
    else out.push(token(character));
    if (close > 0) at = close;
  }
  return out;
}

function token(character: string): Token {
  if (character === "*") return "star";
  return character === "?" ? () => true : (other) => other === character;
}

/**
 * Finds the end of a bracket. A `]` right after `[` or `[!` is a member. A `[` without an end is an ordinary letter.
 */
function closing(characters: readonly string[], open: number): number {
  const first = characters[open + 1] === "!" ? open + 3 : open + 2;
  return characters.indexOf("]", first);
}

function bracket(inside: readonly string[]): Token {
  const negated = inside[0] === "!";
  const members = negated ? inside.slice(1) : inside;
  const ranges: (readonly [number, number])[] = [];
  for (let at = 0; at < members.length; at++) {
    const low = codePoint(members[at]);
    const isRange = members[at + 1] === "-" && at + 2 < members.length;
    ranges.push([low, isRange ? codePoint(members[at + 2]) : low]);
    if (isRange) at += 2;
  }
  return (character) => {
    const value = codePoint(character);
    return ranges.some(([low, high]) => low <= value && value <= high) !== negated;
  };
}

const codePoint = (character: string | undefined): number => character?.codePointAt(0) ?? -1;
