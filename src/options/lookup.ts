// Finds options by their paths and names.

import { nearest } from './nearest.ts';
import { groupOf, isTakenBy, keyOf, type Option, type OptionTaker, optionName } from './option.ts';
import { OPTIONS } from './table.ts';

const byPath: ReadonlyMap<string, Option> = new Map(OPTIONS.map((option) => [option.path, option]));
const byName: ReadonlyMap<string, Option> = new Map(OPTIONS.map((option) => [optionName(option), option]));

/** The groups of options: `static`, `limits`, ... */
export const OPTION_GROUPS: ReadonlySet<string> = new Set(OPTIONS.map(groupOf).filter((group) => group !== ''));

/** The option that may stand for its whole group: `static: './public'`. */
export const SHORT_FORMS: Readonly<Record<string, string>> = { static: 'static.root' };

/** The option of `taker` at `path`, such as `timeouts.keepAliveMs`. */
export function optionAt(path: string, taker: OptionTaker): Option | undefined {
  const option = byPath.get(path);
  return option !== undefined && isTakenBy(option, taker) ? option : undefined;
}

/** `name`: the flag's name in camel case, `keepAliveTimeoutMs`. */
export function optionNamed(name: string): Option {
  const option = byName.get(name);
  if (option === undefined) throw new Error(`epoll-server: broken invariant: ${name} is an option`);
  return option;
}

/** The names of takers in messages. */
const TAKER_NAMES: Readonly<Record<OptionTaker, string>> = {
  serve: 'serve()',
  load: 'loadApplication()',
  command: 'the command',
};

/**
 * `unknown option "timeouts.keepAlvie" (did you mean "timeouts.keepAliveMs"?)`. `what`: `option` or `key`.
 * `others`: known names that are not options.
 */
export function unknownText(what: string, path: string, taker: OptionTaker, others: readonly string[] = []): string {
  const known = OPTIONS.filter((option) => isTakenBy(option, taker));
  const other = byPath.get(path)?.takers?.[0];
  if (other !== undefined) return `"${path}" is an option of ${TAKER_NAMES[other]}, not of ${TAKER_NAMES[taker]}`;
  const near = nearest(path, others) ?? nearestPath(path, known);
  return `unknown ${what} "${path}"${near === undefined ? '' : ` (did you mean "${near}"?)`}`;
}

/** The known option that is nearest: first in the same group, then anywhere, by its key and by the name of its flag. */
function nearestPath(path: string, known: readonly Option[]): string | undefined {
  const dot = path.indexOf('.');
  const group = dot < 0 ? '' : path.slice(0, dot);
  const key = path.slice(dot + 1);
  const sameGroup = known.filter((option) => groupOf(option) === group);
  const places = new Map<string, string>();
  for (const option of known) places.set(optionName(option), option.path);
  for (const option of known) places.set(keyOf(option), option.path);
  const here = nearest(key, [...sameGroup.map(keyOf), ...(group === '' ? OPTION_GROUPS : [])]);
  if (here !== undefined) return group === '' ? here : `${group}.${here}`;
  const elsewhere = nearest(key, [...places.keys()]);
  return elsewhere === undefined ? undefined : places.get(elsewhere);
}
