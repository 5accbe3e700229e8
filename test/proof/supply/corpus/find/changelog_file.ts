import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";

const run = promisify(execFile);

const SCRIPT = `dpkg-deb --fsys-tarfile "$1" | tar -xO --occurrence=1 --wildcards './usr/share/doc/*/changelog.Debian.gz'`;

/** Reads the changelog of a package. */
export async function changelogIn(deb: string): Promise<string> {
  const options = { encoding: "buffer", maxBuffer: 64 << 20 } as const;
  const { stdout } = await run("sh", ["-c", SCRIPT, "sh", deb], options);
  if (stdout.length === 0) throw new Error(`${deb} has no changelog`);
  return gunzipSync(stdout).toString("utf8");
}
