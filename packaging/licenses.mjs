import { readdir, readFile } from "node:fs/promises";

/**
 * Returns the licence texts of the packages that went into a bundle. Most licences require that the text goes along.
 * It fails if a package has no text.
 *
 * @param {string[]} inputs the paths of the bundled files
 */
export async function licenseTexts(inputs) {
  const folders = new Set(
    inputs.flatMap((path) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []),
  );
  const texts = [];
  for (const folder of [...folders].sort()) {
    const { name, version } = JSON.parse(await readFile(`${folder}/package.json`, "utf8"));
    texts.push(`${name} ${version}\n\n${await licenseText(folder)}`);
  }
  return texts.join(`\n${"-".repeat(78)}\n\n`);
}

/** Returns the text of the licence file, or of the README's last section if there is no such file. */
async function licenseText(folder) {
  const names = await readdir(folder);
  const file = names.find((entry) => /^(?:un)?licen[cs]e(?:\.md|\.txt)?$/i.test(entry));
  if (file !== undefined) return await readFile(`${folder}/${file}`, "utf8");
  const readme = names.includes("README.md") ? await readFile(`${folder}/README.md`, "utf8") : "";
  const section = /^(?:License\n-+|#+ License)\n([\s\S]+)$/m.exec(readme)?.[1];
  if (section === undefined) throw new Error(`${folder} has no licence text`);
  return section;
}
