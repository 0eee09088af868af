// Checks that arguments use the flags of a command correctly. parseArgs would reject the same arguments, but its messages
// are written for programmers.

import { type ParseArgsConfig, parseArgs } from 'node:util';
import { EpollServerError } from '../errors.ts';
import { nearest } from '../options/nearest.ts';

/** The flags of a command, as parseArgs takes them. */
export type FlagSet = NonNullable<ParseArgsConfig['options']>;

/**
 * `suggest`: finds the known flag nearest to an unknown name.
 * @throws EpollServerError `ERR_OPTION`: an unknown flag, a missing value, or a value for a switch.
 */
export function checkFlags(
  args: readonly string[],
  flags: FlagSet,
  suggest = (name: string): string | undefined => nearest(name, Object.keys(flags)),
): void {
  const { tokens } = parseArgs({
    args: [...args],
    options: flags,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue } = token;
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (flag === undefined) {
      const near = name.length > 1 ? suggest(name) : undefined;
      throw wrong(`unknown flag ${rawName}${near === undefined ? '' : ` (did you mean --${near}?)`}`);
    }
    if (flag.type === 'boolean') {
      if (value !== undefined) throw wrong(`${rawName} takes no value, but has "${value}"`);
    } else if (value === undefined) {
      throw wrong(`${rawName} needs a value`);
    } else if (inlineValue === false && /^-./.test(value)) {
      throw wrong(`${rawName} needs a value before "${value}" (or write --${name}=${value})`);
    }
  }
}

function wrong(text: string): EpollServerError {
  return new EpollServerError('ERR_OPTION', text);
}
