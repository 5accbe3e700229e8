import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { RebootlessError } from "../../shared/errors.ts";
import { besideThisProgram } from "../program_folder.ts";
import type { GuestFile } from "./guest/initramfs.ts";

/** The folder of the host's program in a guest, which is that of a host. */
const FOLDER = "/usr/lib/rebootless";
/** The file that starts the host's program in a guest. */
export const CLIENT_IN_GUEST = `${FOLDER}/rebootless.cjs`;
/** Where a guest has the root of trust of its feed. */
export const ROOT_IN_GUEST = "/root/root.json";

/** The bundles of the host's program. What it runs is the second; the first one starts it. */
const BUNDLES = ["rebootless.cjs", "rebootless-host.cjs"] as const;

/** Returns the bundles of the host's program for a guest. @param read returns the bytes of a bundle, by its name. */
export const clientFiles = (read: (name: string) => Promise<Uint8Array>): Promise<readonly GuestFile[]> =>
  Promise.all(
    BUNDLES.map(async (name) => ({ path: join(FOLDER, name), content: await read(name), mode: 0o755 })),
  );

/**
 * Reads a bundle of the host's program, which is installed beside this program.
 * @throws RebootlessError `unsupported` if it is not.
 */
export async function installedBundle(name: string): Promise<Uint8Array> {
  const path = await besideThisProgram(name);
  return await readFile(path).catch((cause: unknown) => {
    throw new RebootlessError("unsupported", `cannot read ${path}, which is run in the guest`, {
      cause,
      hint: `Build with \`npm run build\`, and keep ${name} beside this program.`,
    });
  });
}
