import { createHash } from "node:crypto";
import { realpath } from "node:fs/promises";
import { createServer } from "node:net";
import { RebootlessError } from "../../shared/errors.ts";

/**
 * Locks a folder for this process: with an abstract socket (unix(7)) that is named after the folder's path. The kernel
 * gives a name to one process, and frees it when the process ends, however it ends.
 *
 * @returns a function that unlocks the folder.
 * @throws RebootlessError `locked`; `io` where there are no such sockets.
 */
export async function onlyProcess(folder: string): Promise<() => Promise<void>> {
  const name = createHash("sha256")
    .update(await realpath(folder))
    .digest("hex");
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => reject(notTaken(folder, cause)));
    server.listen(`\0rebootless-${name}`, resolve);
  });
  server.unref();
  return () => new Promise((resolve) => server.close(() => resolve()));
}

function notTaken(folder: string, cause: NodeJS.ErrnoException): RebootlessError {
  if (cause.code !== "EADDRINUSE") {
    return new RebootlessError("io", `cannot lock ${folder} for this process`, { cause });
  }
  return new RebootlessError("locked", `another process serves ${folder}`, {
    cause,
    hint: "Stop it, or serve another folder.",
  });
}
