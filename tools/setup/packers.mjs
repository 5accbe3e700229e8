import { ensurePackages, retryWithNewLists } from "./apt.mjs";
import { capture, SetupError, succeeds } from "./run.mjs";

/** The programs that make packages of each format: the program, and the Debian package that contains it. */
const PACKERS = { deb: ["dpkg-deb", "dpkg"], rpm: ["rpmbuild", "rpm"] };

/** The Debian packages that are needed to make every format. */
export const PACKER_PACKAGES = Object.values(PACKERS).map(([, name]) => name);

async function missingPrograms(formats) {
  const missing = [];
  for (const format of formats) {
    const [program, name] = PACKERS[format] ?? [];
    if (program !== undefined && !(await succeeds(program, ["--version"]))) missing.push({ program, name });
  }
  return missing;
}

/** Makes sure that packages can be made here, by installing what is missing if that is possible. */
export async function ensurePackers(asked) {
  const formats = asked.length > 0 ? asked : Object.keys(PACKERS);
  const missing = await missingPrograms(formats);
  if (missing.length > 0 && (await succeeds("apt-get", ["--version"]))) {
    await retryWithNewLists(() => ensurePackages(missing.map(({ name }) => name)));
  } else if (missing.length > 0) {
    throw new SetupError(
      `programs are missing: ${missing.map(({ program }) => program).join(", ")}`,
      "Install them, or name the formats that are wanted: npm run package -- tarball",
    );
  }
  if (!(await capture("tar", ["--version"])).includes("GNU tar")) {
    throw new SetupError("tar is not GNU tar", "Install GNU tar: the tarball is made with it.");
  }
}
