import { formatInstant, type Instant } from "../../shared/time.ts";
import type { CatalogueChange } from "../catalogue/change.ts";
import { changeSummary } from "./change_summary.ts";

/**
 * Returns changes as an Atom feed (RFC 4287).
 *
 * @param origin such as `https://feed.example.org`.
 * @param updated the time that is used while there is no change.
 */
export function atom(changes: readonly CatalogueChange[], origin: string, updated: Instant): string {
  const entries = changes.map(
    (change) => `<entry>
<id>${escapeXml(`${origin}/kernels/${change.kernel.buildId}#${change.version}`)}</id>
<title>${escapeXml(`${change.kernel.release}: ${changeSummary(change)}`)}</title>
<updated>${formatInstant(change.at)}</updated>
<link href="${escapeXml(`${origin}/kernels/${change.kernel.buildId}`)}"/>
<summary>${escapeXml(`Kernel ${change.kernel.release}, build ID ${change.kernel.buildId}: ${changeSummary(change)}`)}</summary>
</entry>
`,
  );
  return `<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
<id>${escapeXml(`${origin}/changes.atom`)}</id>
<title>Changes of the rebootless feed at ${escapeXml(new URL(origin).host)}</title>
<updated>${formatInstant(changes[0]?.at ?? updated)}</updated>
<author><name>rebootless feed</name></author>
<link rel="self" href="${escapeXml(`${origin}/changes.atom`)}"/>
${entries.join("")}</feed>
`;
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
  ["'", "&apos;"],
]);

/** Escapes text. Characters that XML 1.0 cannot represent are left out. */
const escapeXml = (text: string): string =>
  text.replace(/[\p{Cc}\ufffe\uffff]/gu, "").replace(/[&<>"']/g, (c) => ESCAPES.get(c) ?? c);
