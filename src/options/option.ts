// The definition of an option: one entry of the table from which flags, variables, config files, types and documents
// are made.

import type { GenericSchema } from 'valibot';

/** One kind of value: its valid values, its description in messages, and how text is parsed. */
export interface ValueKind<T = unknown> {
  /** Checks a value from code or a config file, and converts it to the form that the server uses. */
  readonly schema: GenericSchema<unknown, T>;
  /** The schema of one item of a list. Each item is checked alone, and gets an `origin`, the place where it was set. */
  readonly item?: GenericSchema<unknown, object>;
  /** Follows "must be" in a message. */
  readonly expected: string;
  /** The TypeScript type of accepted values. */
  readonly type: string;
  /** The TypeScript type of converted values. Default: `type`. */
  readonly result?: string;
  /** The minimum and maximum of a number. */
  readonly range?: readonly [number, number];
  /** The unit of a number: `bytes`, `bytes per second`, `ms`. */
  readonly unit?: string;
  /** A flag of this kind needs no value. */
  readonly isSwitch?: true;
  /** A switch whose flag may have a value behind a `=`, and be repeated. */
  readonly mayHaveValue?: true;
  /** Several values may be given. */
  readonly isVariadic?: true;
  /** Whether an empty text is valid. */
  readonly mayBeEmpty?: true;
  /**
   * Converts the texts of a flag (one for each occurrence) or of a variable. Invalid text is returned unchanged, so
   * that the error message can show it.
   */
  readonly fromTexts: (texts: readonly string[]) => unknown;
  /** The value in the form of a config file. Default: the value itself. */
  written?(value: T): unknown;
  /** Makes paths absolute that are relative to `folder`, the folder of the config file. */
  rebase?(value: T, folder: string): T;
}

/**
 * The functions that accept an option: `serve()`, `loadApplication()`, or the command (flag, variable and config file).
 */
export type OptionTaker = 'serve' | 'load' | 'command';

/** One option. */
export interface Option {
  /** Its path in code and in a config file: `port`, `static.cleanUrls`, `timeouts.keepAliveMs`. */
  readonly path: string;
  readonly kind: ValueKind;
  /** One sentence for the help and the documents: its effect, and what happens beyond a limit. */
  readonly help: string;
  /** Default: serve and the command. */
  readonly takers?: readonly OptionTaker[];
  /** Its flag in camel case. Default: the last part of {@link path}. Unique among all options. */
  readonly flag?: string;
  /** The letter of its flag. */
  readonly letter?: string;
  /** The placeholder of its value in the help. Absent for a switch. */
  readonly placeholder?: string;
  /** Absent: the option has no default. */
  readonly default?: unknown;
  /** The reason for the default: the source of a number, or the attack that it prevents. */
  readonly reason?: string;
  /** The option that this one is a short form of. If that option is given, the default of this one does not apply. */
  readonly shortFor?: string;
  /** Whether a virtual host may set it. `inherited`: a host without a value of its own uses the default host's. */
  readonly perHost?: 'inherited' | 'own';
  /** The kind of value in code, if it differs from that of the command. */
  readonly inCode?: Pick<ValueKind, 'schema' | 'expected' | 'type'>;
  /** Its name in the `web_server.conf` of "write your own web server" tutorials. */
  readonly alias?: string;
}

const USUAL_TAKERS: readonly OptionTaker[] = ['serve', 'command'];

/** Whether `taker` accepts the option. */
export function isTakenBy({ takers = USUAL_TAKERS }: Option, taker: OptionTaker): boolean {
  return takers.includes(taker);
}

/** The name of an option in the server: its flag in camel case, such as `keepAliveTimeoutMs`. */
export function optionName({ path, flag }: Option): string {
  return flag ?? path.slice(path.lastIndexOf('.') + 1);
}

/** `static` of `static.cleanUrls`; empty for an option without a group. */
export function groupOf({ path }: Option): string {
  return path.slice(0, Math.max(0, path.indexOf('.')));
}

/** `cleanUrls` of `static.cleanUrls`. */
export function keyOf({ path }: Option): string {
  return path.slice(path.indexOf('.') + 1);
}
