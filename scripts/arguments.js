// Parses the options of a script. An invalid option prints one line and exits with 2; `--help` prints the comment at
// the top of the script.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** `url`: of the script; `options`: in the form of `parseArgs`. Returns their values. */
export function readOptions(url, options) {
  try {
    const { values } = parseArgs({ options: { ...options, help: { type: 'boolean', short: 'h' } } });
    if (!values.help) return values;
  } catch (error) {
    process.stderr.write(`${error.message.split('. ')[0]} (--help shows the options)\n`);
    process.exit(2);
  }
  const [comment] = readFileSync(fileURLToPath(url), 'utf8').match(/^(?:\/\/.*\n)+/);
  process.stdout.write(comment.replaceAll(/^\/\/ ?/gm, ''));
  process.exit(0);
}
