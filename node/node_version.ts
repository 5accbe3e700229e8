import { EXIT } from "../shared/exit_codes.ts";

/** The oldest version of Node that the programs run on. */
export const NODE_VERSION = "20.11";

/** Tells whether a version of Node, such as `v16.20.2`, is too old. */
export function isNodeTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.replace("v", "").split(".").map(Number);
  const [neededMajor = 0, neededMinor = 0] = NODE_VERSION.split(".").map(Number);
  return major < neededMajor || (major === neededMajor && minor < neededMinor);
}

/**
 * Ends a program with a message if Node is too old for it. The caller must run on such a Node too, and calls this
 * before anything newer is loaded.
 */
export function requireNode(
  program: string,
  node: Pick<NodeJS.Process, "version" | "stderr" | "exit">,
): void {
  if (!isNodeTooOld(node.version)) return;
  node.stderr.write(`error: ${program} needs Node ${NODE_VERSION} or newer; this is ${node.version}\n`);
  node.stderr.write(
    "hint: Install a newer Node from your distribution or from https://nodejs.org/en/download, and let `node` in PATH be that one.\n",
  );
  node.exit(EXIT.oldNode);
}
