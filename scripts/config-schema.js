// Writes config.schema.json, by which editors complete and check config files, from the table of settings that the
// server itself uses. `--check` writes nothing and ends with 1 when the file is not what it would be.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { toJsonSchema } from '@valibot/to-json-schema';
import { kebab } from '../build/modules/config/names.js';
import { SETTINGS } from '../build/modules/config/settings.js';

const FILE = fileURLToPath(new URL('../config.schema.json', import.meta.url));

/** What a config file may say: the schema's side in front of what it is turned into. */
function property({ kind, text, byDefault }) {
  const { $schema: _, ...schema } = toJsonSchema(kind.schema, { typeMode: 'input', errorMode: 'ignore' });
  return { description: text, ...schema, ...(byDefault === undefined ? {} : { default: byDefault }) };
}

const schema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Settings of epoll-server',
  type: 'object',
  additionalProperties: false,
  properties: {
    $schema: { type: 'string' },
    ...Object.fromEntries(SETTINGS.map((setting) => [kebab(setting.name), property(setting)])),
  },
};
const text = `${JSON.stringify(schema, null, 2)}\n`;
if (!process.argv.includes('--check')) writeFileSync(FILE, text);
else if (readFileSync(FILE, 'utf8') !== text) {
  process.stderr.write('config.schema.json is not what the settings say: run node scripts/config-schema.js\n');
  process.exitCode = 1;
}
