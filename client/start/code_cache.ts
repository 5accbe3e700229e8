import { createHash } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

/** Root's alone. What is in it can be lost at any time. */
const FOLDER = "/var/cache/rebootless";
const ENDING = ".code";
const DIGEST_BYTES = 32;

/** What V8 made of a program's text in an earlier run, which a later one need not make again. */
export interface CodeCache {
  /** Undefined where there is none for this text and this Node, or it is not whole, or somebody else could have written it. */
  read(): Buffer | undefined;
  /** In place of what was there. Where it cannot be written the next run compiles, as this one did. */
  write(code: Uint8Array): void;
}

const sha256 = (...parts: readonly (string | Uint8Array)[]): Buffer => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/**
 * It is code that root runs: a file that its owner alone can write, in a folder of the same kind. V8 knows its own version,
 * but of the text it compares the length alone and of the code nothing: the file's name has the digest of the text, its
 * first bytes that of the code.
 */
export function codeCache(text: Uint8Array, folder = FOLDER, owner = 0): CodeCache {
  const name = `${sha256(process.version, process.arch, text).toString("hex")}${ENDING}`;
  const isOwners = ({ uid, mode }: Stats) => uid === owner && (mode & 0o022) === 0;
  const isSafe = () => {
    const found = lstatSync(folder);
    return found.isDirectory() && isOwners(found);
  };
  return {
    read: () =>
      unlessFailed(() => {
        if (!isSafe()) return undefined;
        const file = openSync(join(folder, name), constants.O_RDONLY | constants.O_NOFOLLOW);
        try {
          const found = fstatSync(file);
          if (!found.isFile() || !isOwners(found)) return undefined;
          const bytes = readFileSync(file);
          const code = bytes.subarray(DIGEST_BYTES);
          return sha256(code).equals(bytes.subarray(0, DIGEST_BYTES)) ? code : undefined;
        } finally {
          closeSync(file);
        }
      }),
    write: (code) =>
      unlessFailed(() => {
        mkdirSync(folder, { recursive: true, mode: 0o755 });
        if (!isSafe()) return;
        const temporary = join(folder, `.${process.pid}.new`);
        rmSync(temporary, { force: true });
        writeFileSync(temporary, Buffer.concat([sha256(code), code]), { mode: 0o644, flag: "wx" });
        renameSync(temporary, join(folder, name));
        for (const old of readdirSync(folder))
          if (old.endsWith(ENDING) && old !== name) rmSync(join(folder, old));
      }),
  };
}

/** Without a cache a run takes longer, and that is all. */
function unlessFailed<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
