// The options of a script, from its command line. A wrong one is one line and exit code 2; `--help` shows the comment
// that the script begins with.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** `url`: of the script; `options`: as `parseArgs` wants them. Returns their values. */
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
