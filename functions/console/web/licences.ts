import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

/** A module of a package: of the last folder of packages in its path, or one that the bundler has added itself. */
const OF_PACKAGE = /(?:.*[\\/]node_modules[\\/]|^\0)((?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/;

/**
 * Writes `licences.txt` beside the built files: the licence text of every package that the script has parts of. Their
 * licences ask that it goes with each copy.
 */
export function licences(): Plugin {
  return {
    name: "efface-licences",
    generateBundle(_, bundle) {
      const chunks = Object.values(bundle).filter((file) => file.type === "chunk");
      const modules = chunks.flatMap((chunk) =>
        Object.entries(chunk.modules).flatMap(([id, { renderedLength }]) => (renderedLength > 0 ? [id] : [])),
      );
      this.emitFile({ type: "asset", fileName: "licences.txt", source: licencesOf(modules) });
    },
  };
}

/** The licence texts of the packages that modules are of, by name. A package without one is an error. */
export function licencesOf(modules: readonly string[]): string {
  const folders = new Map<string, string>();
  for (const id of modules) {
    const [start, name] = OF_PACKAGE.exec(id) ?? [];
    if (start === undefined || name === undefined) continue;
    folders.set(name.replace("\\", "/"), start.startsWith("\0") ? join("node_modules", name) : start);
  }
  const names = [...folders.keys()].sort();
  const parts = names.map((name) => licenceOf(name, folders.get(name) ?? ""));
  return ["The script of the console has parts of these packages, under these licences.\n", ...parts].join(
    `\n${"-".repeat(72)}\n\n`,
  );
}

function licenceOf(name: string, folder: string): string {
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((each) => /^licen[cs]e(\.(md|txt))?$/i.test(each));
  if (file === undefined) throw new Error(`The package ${name} has no licence text.`);
  const text = readFileSync(join(folder, file), "utf8").replaceAll("\r\n", "\n").trim();
  return `${name} ${version}\n\n${text}\n`;
}
