import { execFile } from "node:child_process";
import { SetupError } from "../../../tools/setup/run.mjs";
import { insideArguments } from "../fresh/inside.mjs";

const TIMEOUT_MS = 600_000;

/**
 * A function that runs a script of the shell in the root: resolves with {stdout, stderr}; rejects unless it ends with
 * `code`.
 */
export function shellInside(root, folder) {
  return (script, { code = 0 } = {}) =>
    new Promise((resolve, reject) => {
      const args = insideArguments(root, folder, ["sh", "-euc", script]);
      const options = { timeout: TIMEOUT_MS, killSignal: "SIGKILL", maxBuffer: 16 << 20 };
      execFile("unshare", args, options, (error, stdout, stderr) => {
        const ended = error === null ? 0 : error.code;
        if (ended === code) resolve({ stdout, stderr });
        else reject(new SetupError(`ended with ${ended}, not ${code}: ${script}\n${stdout}${stderr}`));
      });
    });
}
