// Makes the page: dist/index.html, and its script, style and icon under names that hold their hash.
//   node build.js [--modules FOLDER] [--out FOLDER]
// FOLDER of modules is the node_modules that `npm ci` made; both lie beside this file by default.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

function option(name, otherwise) {
  const at = process.argv.indexOf(`--${name}`);
  return resolve(at < 0 ? otherwise : process.argv[at + 1]);
}

const modules = option('modules', join(here, 'node_modules'));
const out = option('out', join(here, 'dist'));
const { buildSync } = createRequire(join(modules, 'anchor.js'))('esbuild');

const built = buildSync({
  absWorkingDir: here,
  entryPoints: { app: 'src/main.jsx' },
  outdir: out,
  bundle: true,
  minify: true,
  write: false,
  format: 'iife',
  target: ['es2020', 'chrome100', 'firefox100', 'safari15'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  nodePaths: [modules],
  define: { 'process.env.NODE_ENV': '"production"' },
  legalComments: 'inline',
  logLevel: 'warning',
});

const files = built.outputFiles.map(({ path, contents }) => ({ path, contents }));
files.push({ path: 'icon.svg', contents: readFileSync(join(here, 'src/icon.svg')) });

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
let index = readFileSync(join(here, 'src/index.html'), 'utf8');
for (const { path, contents } of files) {
  const ending = extname(path);
  const hash = createHash('sha256').update(contents).digest('hex').slice(0, 12);
  const kind = ending === '.svg' ? 'icon' : 'app';
  const name = `${kind}.${hash}${ending}`;
  writeFileSync(join(out, name), contents);
  index = index.replace(`${kind}${ending}`, name);
}
writeFileSync(join(out, 'index.html'), index);
