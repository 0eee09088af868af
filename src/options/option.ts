// What an option is: one entry of the table from which flags, variables, config files, types and documents are made.

import type { GenericSchema } from 'valibot';

/** One kind of value: what is allowed, what a message says is expected, and how text becomes a value. */
export interface ValueKind<T = unknown> {
  /** Checks what code or a config file gives, and turns it into the one form that the server uses. */
  readonly schema: GenericSchema<unknown, T>;
  /** Stands behind "must be" in a message. */
  readonly expected: string;
  /** TypeScript's type of what may be given. */
  readonly type: string;
  /** TypeScript's type of what the schema makes of it. Default: `type`. */
  readonly result?: string;
  /** The least and the largest number. */
  readonly range?: readonly [number, number];
  /** What a number counts: `bytes`, `bytes per second`, `ms`. */
  readonly unit?: string;
  /** A flag of this kind takes no value. */
  readonly isSwitch?: true;
  /** Several values can be given. */
  readonly isVariadic?: true;
  /** Empty text means something. */
  readonly mayBeEmpty?: true;
  /**
   * What the texts of a flag (one for each time it was given) or of a variable mean. Text that means nothing is returned
   * as it is, so that the message about it can show it.
   */
  readonly fromTexts: (texts: readonly string[]) => unknown;
  /** The value as a config file would have it. Default: the value itself. */
  written?(value: T): unknown;
  /** Makes paths absolute that are relative to `folder`, the folder of the config file. */
  rebase?(value: T, folder: string): T;
}

/** What takes an option: `serve()`, `loadApplication()`, or the command by a flag, a variable and a config file. */
export type OptionTaker = 'serve' | 'load' | 'command';

/** One option. */
export interface Option {
  /** Where it stands in code and in a config file: `port`, `static.cleanUrls`, `timeouts.keepAliveMs`. */
  readonly path: string;
  readonly kind: ValueKind;
  /** One sentence for the help and the documents: what it does, and what happens beyond a bound. */
  readonly help: string;
  /** Default: serve and the command. */
  readonly takers?: readonly OptionTaker[];
  /** Its name as a flag, in camel case. Default: the last part of {@link path}. Unique among all options. */
  readonly flag?: string;
  /** The letter of its flag. */
  readonly letter?: string;
  /** Stands for its value in the help. Absent for a switch. */
  readonly placeholder?: string;
  /** Absent: the option need not be given. */
  readonly default?: unknown;
  /** Why the default is what it is: the source of a number, the attack that it stops. */
  readonly reason?: string;
  /** The option that says the same and more. The default does not hold where that one is given. */
  readonly shortFor?: string;
  /** A virtual host may have its own; `inherited`: a host without one has the default host's. */
  readonly perHost?: 'inherited' | 'own';
  /** What code gives where that differs from what the command is given. */
  readonly inCode?: Pick<ValueKind, 'schema' | 'expected' | 'type'>;
  /** What "write your own web server" tutorials call it in their `web_server.conf`. */
  readonly alias?: string;
}

const USUAL_TAKERS: readonly OptionTaker[] = ['serve', 'command'];

/** Whether `taker` takes the option. */
export function isTakenBy({ takers = USUAL_TAKERS }: Option, taker: OptionTaker): boolean {
  return takers.includes(taker);
}

/** The name of an option in the server: that of its flag in camel case, such as `keepAliveTimeoutMs`. */
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
