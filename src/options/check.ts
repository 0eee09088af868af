// Checks option values and describes an error in one sentence.

import { type GenericSchema, safeParse } from 'valibot';
import { EpollServerError, type ErrorCode } from '../errors.ts';
import { OPTION_GROUPS, optionAt, SHORT_FORMS, unknownText } from './lookup.ts';
import { type Option, type OptionTaker, optionName, type ValueKind } from './option.ts';
import { problemText, shown } from './problem.ts';

/** Where a value was given, and its name in messages. */
export interface Origin {
  /** The beginning of the message: the flag, the variable, the path of the option, or the line of a file. */
  readonly where: string;
  readonly code: ErrorCode;
  /** The text as it was written, if it differs from the value. */
  readonly written?: unknown;
  /** The same for one item of a list: a line of its own. Absent: all items were given at the same place. */
  readonly itemAt?: (index: number) => ItemPlace;
}

/** The place of one item of a list. */
export interface ItemPlace {
  readonly where: string;
  /** The place alone, as `--explain` shows it: `site.yaml:12`. */
  readonly place: string;
}

/**
 * Returns `given` in the form that the server uses.
 * @throws EpollServerError with the code of `origin`: the fault, its place, and the expected value.
 */
export function checkValue({ kind }: Option, given: unknown, origin: Origin): unknown {
  return checked(kind, given, origin);
}

type Checks = Pick<ValueKind, 'schema' | 'expected' | 'item' | 'isSwitch'>;

function checked(kind: Checks, given: unknown, origin: Origin): unknown {
  const { schema, expected, item } = kind;
  if (item !== undefined) return checkedItems(kind, item, given, origin);
  const { where, code, written = given } = origin;
  const result = safeParse(schema, given);
  if (result.success) return result.output;
  throw new EpollServerError(code, problemText({ where, issues: result.issues, expected, written }));
}

/** Each item of a list, with the place where it was set. A switch that is off is an empty list. */
function checkedItems(
  { expected, isSwitch }: Checks,
  item: GenericSchema<unknown, object>,
  given: unknown,
  origin: Origin,
): unknown {
  if (isSwitch === true && (given === false || given === 'false')) return [];
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  return list.map((each, index) => {
    const { where, place } = origin.itemAt?.(index) ?? { where: origin.where, place: origin.where };
    const result = checked({ schema: item, expected }, each === true ? 'true' : each, { where, code: origin.code });
    // The schema of an item makes an object.
    return { ...(result as object), origin: place };
  });
}

/**
 * Checks the options that code passes to `taker`; returns them by name. Undefined options count as absent.
 * @throws EpollServerError `ERR_OPTION`: not an object, an unknown option, or an invalid value.
 */
export function checkGiven(given: unknown, taker: OptionTaker = 'serve'): ReadonlyMap<string, unknown> {
  if (!isGroup(given)) throw wrong(`options must be an object, not ${shown(given)}`);
  const values = new Map<string, unknown>();
  for (const [path, value] of flat(given, '')) {
    const option = optionAt(path, taker);
    if (option === undefined) throw wrong(unknownText('option', path, taker));
    values.set(optionName(option), checked(option.inCode ?? option.kind, value, { where: path, code: 'ERR_OPTION' }));
  }
  return values;
}

/** The paths and values of the given options, without undefined ones. */
function* flat(given: object, group: string): Generator<readonly [string, unknown]> {
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const path = group === '' ? key : `${group}.${key}`;
    if (group !== '' || !OPTION_GROUPS.has(key)) yield [path, value];
    else if (typeof value === 'string' && SHORT_FORMS[key] !== undefined) yield [SHORT_FORMS[key], value];
    else if (isGroup(value)) yield* flat(value, key);
    else throw wrong(`${key} must be an object with options, not ${shown(value)}`);
  }
}

function isGroup(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(text: string): EpollServerError {
  return new EpollServerError('ERR_OPTION', text);
}
