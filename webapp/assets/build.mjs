// Bundles scripts and styles, draws the icon sprite, and writes manifest.json (plain name -> name with its hash).
// Every file's name carries the hash of its content, so the server may let browsers keep them for ever.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..");
const out = join(here, "..", "static", "build");

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const result = await build({
  entryPoints: {
    desk: join(here, "js", "desk.js"),
    diagram: join(here, "js", "diagram.js"),
    rules: join(here, "js", "rules.js"),
    style: join(here, "css", "desk.css"),
    "diagram-style": join(here, "css", "diagram.css"),
    "rules-style": join(here, "css", "rules.css"),
  },
  bundle: true,
  minify: true,
  format: "esm",
  target: ["chrome109", "firefox115", "safari16"],
  loader: { ".woff": "file", ".woff2": "file", ".ttf": "empty", ".eot": "empty", ".svg": "empty" },
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  outdir: out,
  metafile: true,
  legalComments: "linked",
  logLevel: "warning",
});

const manifest = {};
for (const [path, facts] of Object.entries(result.metafile.outputs)) {
  if (!facts.entryPoint) continue;
  const file = basename(path);
  manifest[file.replace(/-[A-Z0-9]{8}(?=\.)/, "")] = file;
}

const names = JSON.parse(readFileSync(join(here, "icons.json"), "utf8"));
const symbols = names.map((name) => {
  const source = readFileSync(join(root, "node_modules", "@tabler", "icons", "icons", "outline", `${name}.svg`), "utf8");
  const shapes = source
    .replace(/<!--[\s\S]*?-->/g, "")
    .replace(/^[\s\S]*?<svg[^>]*>/, "")
    .replace(/<\/svg>\s*$/, "")
    .replace(/\s*\n\s*/g, "");
  return `<symbol id="${name}" viewBox="0 0 24 24">${shapes}</symbol>`;
});
const sprite = `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>\n`;
const hash = createHash("sha256").update(sprite).digest("hex").slice(0, 8);
manifest["icons.svg"] = `icons-${hash}.svg`;
writeFileSync(join(out, manifest["icons.svg"]), sprite);
writeFileSync(join(out, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
