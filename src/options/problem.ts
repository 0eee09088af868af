// Describes an invalid value of a setting.

import { inspect } from 'node:util';
import type { BaseIssue } from 'valibot';

/** Longer values are cut in messages. */
const MAX_SHOWN = 80;

/** An invalid value. */
export interface Problem {
  /** The beginning of the message. */
  readonly where: string;
  readonly issues: readonly BaseIssue<unknown>[];
  /** A description of valid values. */
  readonly expected: string;
  readonly written: unknown;
}

export function problemText({ where, issues, expected, written }: Problem): string {
  const text = ownMessage(issues) ?? `must be ${expected}, not ${shown(written)}`;
  return `${where}${/^(?:must|gives) /.test(text) ? '' : ':'} ${text}`;
}

/**
 * The message of this program's last own check of a part of the value. Undefined: the whole value is of another kind.
 */
function ownMessage(issues: readonly BaseIssue<unknown>[]): string | undefined {
  for (const { type, path = [], message, issues: nested = [] } of issues.toReversed()) {
    const isOwn = type === 'raw_check' || type === 'raw_transform' || (type === 'strict_object' && path.length > 0);
    const found = isOwn ? message : ownMessage(nested);
    if (found !== undefined) return found;
  }
  return undefined;
}

export function shown(value: unknown): string {
  const text = jsonOf(Array.isArray(value) && value.length === 1 ? value[0] : value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text;
}

/** JSON has no NaN, functions or bigints, and no object that contains itself, as a whole application does. */
function jsonOf(value: unknown): string {
  if (typeof value === 'number') return String(value);
  if (value instanceof Promise) return 'a promise: await it first';
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return inspect(value, { depth: 0, breakLength: Number.POSITIVE_INFINITY });
  }
}
