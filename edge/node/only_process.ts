import { createHash } from "node:crypto";
import { realpath } from "node:fs/promises";
import { createServer } from "node:net";
import { RebootlessError } from "../../shared/errors.ts";

/**
 * Takes a folder for this process alone: an abstract socket (unix(7)) of a name made from the folder's path, which the
 * kernel gives to one process and takes back when that ends, however it ends. Throws `locked`, or `io` where there are no
 * such sockets.
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
    return new RebootlessError("io", `cannot take ${folder} for this process alone`, { cause });
  }
  return new RebootlessError("locked", `another process serves ${folder}`, {
    cause,
    hint: "Stop it, or serve another folder.",
  });
}
