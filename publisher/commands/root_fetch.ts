import type { PublisherContext } from "../context.ts";
import { edgeReader } from "../feed/edge_client.ts";
import { addRoot, newestOwnRoot, readPublisherFolder } from "../feed/publisher_folder.ts";
import { newerRoots } from "../feed/root_chain.ts";
import { expiryInWords } from "../keys/expiry.ts";

/** Adds to the folder the roots that others have published since, each verified by the one before it. */
export async function rootFetch(
  { terminal, clock }: PublisherContext,
  dir: string,
  options: { readonly feed: string },
): Promise<void> {
  const folder = await readPublisherFolder(dir);
  const newer = await newerRoots(edgeReader(options.feed), await newestOwnRoot(folder));
  for (const { root, bytes } of newer) {
    await addRoot(folder, root.version, bytes);
    terminal.say(`root       version ${root.version}, until ${expiryInWords(root.expires, clock())}`);
  }
  if (newer.length === 0) terminal.say("root       the folder already has the newest");
  terminal.result("root fetch", { versions: newer.map(({ root }) => root.version) });
}
