import { createHash } from "node:crypto";

/** Returns the policy of a page that forbids scripts, and loading anything. Its one style sheet is allowed by its digest. */
export const pagePolicy = (style: string): string =>
  [
    "default-src 'none'",
    `style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'`,
    "img-src data:",
    "form-action 'none'",
    "base-uri 'none'",
  ].join("; ");
