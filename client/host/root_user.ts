import { geteuid } from "node:process";
import { RebootlessError } from "../../shared/errors.ts";

/**
 * Requires that this process runs as root.
 *
 * @throws RebootlessError `not_permitted`.
 */
export function requireRoot(purpose: string): void {
  if (geteuid?.() === 0) return;
  throw new RebootlessError("not_permitted", `only root can ${purpose}`, {
    hint: "Run it as root: `sudo rebootless …`.",
  });
}
