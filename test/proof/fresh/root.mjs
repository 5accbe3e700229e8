import { existsSync, readFileSync } from "node:fs";
import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { capture, progress, runOrFail, SetupError } from "../../../tools/setup/run.mjs";

/*
 * A minimal Debian root of this machine's own release, with Node and nothing else. It takes from this machine only
 * how to reach the network: name resolution, package sources, proxies and certificates.
 */

const SYSTEM_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";
/** A name of our own: the ca-certificates package, should it be installed, writes the system's file anew. */
export const ROOT_CERTIFICATES = "/etc/rebootless-certificates.crt";

/** The script in the root by which it is entered. */
export const ENTER = "/root/enter.sh";

async function readRelease() {
  const text = await readFile("/etc/os-release", "utf8");
  const codename = /^VERSION_CODENAME="?(\w+)"?$/m.exec(text)?.[1];
  if (codename === undefined || !/^ID="?debian"?$/m.test(text)) {
    throw new SetupError(
      "this machine is no Debian release",
      "Run on Debian: its release is what is set up anew.",
    );
  }
  return codename;
}

async function copyIfThere(from, root, to = from) {
  if (!existsSync(from)) return;
  await mkdir(dirname(join(root, to)), { recursive: true });
  await copyFile(from, join(root, to));
}

/** Lines and stanzas about other suites (a third party's) are left behind. */
function namesRelease(text, codename) {
  return new RegExp(`\\s${codename}(-\\w+)?(\\s|$)`, "m").test(text);
}

async function readSources(codename) {
  const directory = "/etc/apt/sources.list.d";
  const listed = existsSync(directory) ? (await readdir(directory)).map((name) => join(directory, name)) : [];
  const sources = [];
  for (const path of ["/etc/apt/sources.list", ...listed]) {
    if (!/\.(list|sources)$/.test(path) || !existsSync(path)) continue;
    const text = await readFile(path, "utf8");
    if (namesRelease(text, codename)) sources.push({ path, text });
  }
  return sources;
}

/** The first mirror that the sources name for the release itself. */
function findMirror(sources, codename) {
  const oneLine = new RegExp(`^deb (?:\\[[^\\]]*\\] )?(\\S+) ${codename} `, "m");
  const suites = new RegExp(`^Suites:.*\\s${codename}(\\s|$)`, "m");
  for (const { path, text } of sources) {
    if (path.endsWith(".list")) {
      const found = oneLine.exec(text)?.[1];
      if (found !== undefined) return found;
      continue;
    }
    const stanza = text.split(/\n\s*\n/).find((part) => suites.test(part));
    const found = stanza === undefined ? undefined : /^URIs:\s*(\S+)/m.exec(stanza)?.[1];
    if (found !== undefined) return found;
  }
  throw new SetupError(`apt's sources name no mirror of ${codename}`);
}

async function copySources(root, sources) {
  await rm(join(root, "etc/apt/sources.list"), { force: true });
  for (const { path, text } of sources) {
    await copyIfThere(path, root);
    for (const [, key] of text.matchAll(/signed-by[:=]\s*(\/[^\s\]]+)/gi)) await copyIfThere(key, root);
  }
}

/** How apt reaches its mirrors here: the settings in force, whichever files they come from. */
async function copyAptTransport(root) {
  const dump = await capture("apt-config", ["dump"]);
  const wanted = dump.split("\n").filter((line) => /^Acquire::(http|https|Retries)\b.*"[^"]+";$/.test(line));
  if (existsSync(join(root, ROOT_CERTIFICATES)))
    wanted.push(`Acquire::https::CaInfo "${ROOT_CERTIFICATES}";`);
  await writeFile(join(root, "etc/apt/apt.conf.d/90transport"), `${wanted.join("\n")}\n`);
}

/** This machine's certificates and those that environment variables name, in one file. */
async function copyCertificates(root) {
  const named = [process.env.NODE_EXTRA_CA_CERTS, process.env.SSL_CERT_FILE, SYSTEM_CERTIFICATES];
  const paths = new Set(named.filter((path) => path !== undefined && existsSync(path)));
  const texts = [...paths].map((path) => readFileSync(path, "utf8"));
  if (texts.length === 0) return;
  await writeFile(join(root, ROOT_CERTIFICATES), texts.join("\n"));
  await mkdir(join(root, dirname(SYSTEM_CERTIFICATES)), { recursive: true });
  await writeFile(join(root, SYSTEM_CERTIFICATES), texts.join("\n"));
}

async function findNpm() {
  const fromRun = process.env.npm_execpath === undefined ? [] : [dirname(dirname(process.env.npm_execpath))];
  const global = (await capture("npm", ["root", "-g"])).trim();
  const besideNode = join(dirname(dirname(process.execPath)), "lib/node_modules/npm");
  const found = [...fromRun, join(global, "npm"), besideNode].find(
    (path) => basename(path) === "npm" && existsSync(join(path, "bin/npm-cli.js")),
  );
  if (found === undefined) throw new SetupError("npm's own folder was not found beside node");
  return found;
}

/** This process's own node, npm, and how npm reaches its registry. */
async function copyNode(root) {
  await copyFile(process.execPath, join(root, "usr/bin/node"));
  await cp(await findNpm(), join(root, "usr/lib/node_modules/npm"), { recursive: true, dereference: true });
  await symlink("../lib/node_modules/npm/bin/npm-cli.js", join(root, "usr/bin/npm"));
  await symlink("../lib/node_modules/npm/bin/npx-cli.js", join(root, "usr/bin/npx"));
  await copyIfThere(join(homedir(), ".npmrc"), root, "/root/.npmrc");
  const globalConfig = (await capture("npm", ["config", "get", "globalconfig"])).trim();
  if (globalConfig !== "") await copyIfThere(globalConfig, root, "/usr/etc/npmrc");
}

/** Makes the root in a new directory below `parent` and returns its path. Removes it again when it cannot be made. */
export async function makeRoot(parent) {
  const codename = await readRelease();
  const sources = await readSources(codename);
  await mkdir(parent, { recursive: true });
  const root = await mkdtemp(join(parent, "fresh-"));
  try {
    progress(`setting up a minimal ${codename} (debootstrap)`);
    const args = ["--variant=minbase", codename, root, findMirror(sources, codename)];
    // In a mount namespace of its own, so that nothing it mounts can stay behind.
    await runOrFail("unshare", ["--mount", "--", "debootstrap", ...args], { killSignal: "SIGKILL" });
    await copySources(root, sources);
    await copyCertificates(root);
    await copyAptTransport(root);
    await copyIfThere("/etc/resolv.conf", root);
    await copyIfThere("/etc/hosts", root);
    await copyNode(root);
    await copyFile(join(dirname(fileURLToPath(import.meta.url)), "enter.sh"), join(root, ENTER));
    return root;
  } catch (error) {
    await removeRoot(root);
    throw error;
  }
}

/** Removes a root, but never through something that is still mounted in it. */
export async function removeRoot(root) {
  const mounted = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => (line.split(" ")[1] ?? "").replaceAll("\\040", " "))
    .filter((path) => path === root || path.startsWith(`${root}/`));
  if (mounted.length > 0) {
    throw new SetupError(`still mounted: ${mounted.join(", ")}`, `Unmount them, then remove ${root}`);
  }
  // Processes that were just killed may write a last time.
  for (let attempt = 0; attempt < 5 && existsSync(root); attempt += 1) {
    if (attempt > 0) await sleep(500);
    await rm(root, { recursive: true, force: true }).catch(() => {});
  }
  if (existsSync(root)) throw new SetupError(`${root} could not be removed`);
}
