// Writes what is made from the sources. The table of options (src/options/table.ts) gives types, the JSON Schema of
// config files, and docs/options.md; the error codes (src/errors.ts) give docs/errors.md; docstrings give docs/api.md; the classes
// of bytes (src/http/characters.ts) give native/head_characters.h.
// `--check` writes nothing and ends with 1 when a file is not what it would be.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import { apiDocuments } from './generate/api.js';
import { headCharacters } from './generate/characters.js';
import { optionDocuments } from './generate/documents.js';
import { errorDocuments } from './generate/errors.js';
import { configSchema } from './generate/schema.js';
import { limitTypes, optionTypes, serveTypes } from './generate/types.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** A module as it is in the sources: what is built may be older, or not compile without the files made here. */
async function readModule(source) {
  const file = join(root, 'build', 'generate', `${basename(source, '.ts')}.mjs`);
  const build = await rolldown({
    input: { module: join(root, 'src', source) },
    cwd: root,
    platform: 'node',
    external: [/^[^./]/],
  });
  mkdirSync(dirname(file), { recursive: true });
  await build.write({ file, format: 'esm' });
  await build.close();
  const exported = await import(pathToFileURL(file).href);
  rmSync(dirname(file), { recursive: true });
  return exported;
}

/** TypeScript and Markdown as Biome formats them, so that a formatted file is what is generated. */
function formatted(name, text) {
  if (!/\.(?:ts|md)$/.test(name)) return text;
  const biome = join(root, 'node_modules', '.bin', 'biome');
  return execFileSync(biome, ['format', `--stdin-file-path=${name}`], { cwd: root, input: text, encoding: 'utf8' });
}

const { OPTIONS: options } = await readModule('options/table.ts');
const characters = await readModule('http/characters.ts');
const { FRAMING_NAMES } = await readModule('http/head-parser.ts');
/** In their order: the last reads docstrings that the ones before it have written. */
const files = {
  'src/limits.ts': () => limitTypes(options),
  'src/options/option-types.ts': () => optionTypes(options),
  'src/server/serve-options.ts': () => serveTypes(options),
  'config.schema.json': () => configSchema(options),
  'docs/options.md': () => optionDocuments(options),
  'native/head_characters.h': () => headCharacters(characters, FRAMING_NAMES),
  'docs/errors.md': () => errorDocuments(root),
  'docs/api.md': () => apiDocuments(root),
};
for (const [name, generate] of Object.entries(files)) {
  const path = join(root, name);
  const stored = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const generated = generate();
  if (generated === stored) continue;
  const text = formatted(name, generated);
  if (text === stored) continue;
  if (process.argv.includes('--check')) {
    process.stderr.write(`${name} is not what the sources say: run npm run generate\n`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, text);
    process.stdout.write(`${name} written\n`);
  }
}
