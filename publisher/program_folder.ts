import { realpath } from "node:fs/promises";
import { dirname, join } from "node:path";

/**
 * Returns the path of a file that is installed beside the running program. The command may have been started through a
 * link, for example from a folder of commands.
 */
export const besideThisProgram = async (name: string): Promise<string> =>
  join(dirname(await realpath(process.argv[1] ?? "")), name);
