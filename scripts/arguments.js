// Parses the options of a script. An invalid option prints one line and exits with 2; `--help` prints the comment at
// the top of the script.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** `url`: of the script; `options`: in the form of `parseArgs`. Returns their values. */
export function readOptions(url, options) {
  return readArguments(url, options, false).values;
}

/** Returns the values of options, and the other arguments where these are allowed. */
export function readArguments(url, options, allowPositionals = true) {
  try {
    const help = { type: 'boolean', short: 'h' };
    const { values, positionals } = parseArgs({ options: { ...options, help }, allowPositionals });
    if (!values.help) return { values, positionals };
  } catch (error) {
    process.stderr.write(`${error.message.split('. ')[0]} (--help shows the options)\n`);
    process.exit(2);
  }
  const [comment] = readFileSync(fileURLToPath(url), 'utf8').match(/^(?:\/\/.*\n)+/);
  process.stdout.write(comment.replaceAll(/^\/\/ ?/gm, ''));
  process.exit(0);
}
