import type { AddressInfo } from "node:net";
import { RebootlessError } from "../../shared/errors.ts";
import type { Context } from "../context.ts";
import { MirrorDir } from "../mirror_dir.ts";
import { serveMirror } from "../serve.ts";

export interface MirrorServeOptions {
  readonly host: string;
  readonly port: string;
}

/** Serves a mirror until a signal ends it. */
export async function mirrorServe(
  { terminal, stop }: Context,
  folder: string,
  { host, port }: MirrorServeOptions,
): Promise<void> {
  const dir = new MirrorDir(folder);
  await dir.requireMirror();
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    throw new RebootlessError("usage", `not a port: ${port}`);
  }
  stop.heed();
  const server = await serveMirror({ dir, host, port: Number(port), report: terminal.notice });
  const { port: bound } = server.address() as AddressInfo;
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${bound}/`;
  terminal.say(`serving    ${dir.path} at ${url}`);
  terminal.result("mirror serve", { url, dir: dir.path });
  await new Promise<void>((resolve) => {
    if (stop.signal.aborted) resolve();
    stop.signal.addEventListener("abort", () => resolve());
  });
  server.close();
  server.closeAllConnections();
}
