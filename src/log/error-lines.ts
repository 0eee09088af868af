// Formats an error for a terminal: its message, the application's own stack frames and its causes, one per line. An
// application may have made any part of it, including getters that throw.

import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EpollServerError, messageOf } from '../errors.ts';
import { PACKAGE_ROOT } from '../package.ts';
import { clipped } from '../printable.ts';

/** The maximum length of a message, which may echo a whole request body. */
const MAX_MESSAGE_LENGTH = 8_192;

/** The maximum nesting of causes and of AggregateErrors, and the maximum number of errors within one. */
const MAX_DEPTH = 8;
const MAX_ERRORS = 8;

/** The folders of this package's code, built or not. An application may lie beside them, as the examples do. */
const OWN_FOLDERS = ['dist', 'src', join('build', 'modules')].map((folder) => join(PACKAGE_ROOT, folder) + sep);

/**
 * Returns the lines of `error`: its heading behind `prefix`, then its frames, its causes and the errors it aggregates.
 */
export function errorLines(error: unknown, prefix = ''): readonly string[] {
  const lines: string[] = [];
  addError(lines, error, prefix, '', new Set());
  return lines;
}

function addError(lines: string[], error: unknown, prefix: string, indent: string, seen: Set<unknown>): void {
  if (seen.size >= MAX_DEPTH * MAX_ERRORS || seen.has(error)) return;
  seen.add(error);
  const message = headingOf(error);
  const [first = '', ...rest] = message.split('\n');
  lines.push(`${indent}${prefix}${first}`, ...rest.map((line) => `${indent}  ${line}`));
  if (!(error instanceof Error)) return;
  const deeper = `${indent}  `;
  lines.push(...framesOf(error).map((frame) => `${deeper}  ${frame}`));
  if (deeper.length > 2 * MAX_DEPTH) return;
  addCause(lines, error, message, deeper, seen);
  addErrors(lines, error, deeper, seen);
}

/** Adds a cause. When the error already repeats its message, only the frames are added. */
function addCause(lines: string[], error: Error, message: string, indent: string, seen: Set<unknown>): void {
  const cause = propertyOf(error, 'cause');
  if (cause === undefined || cause === null) return;
  if (!(cause instanceof Error) || !message.includes(clipped(messageOf(cause), MAX_MESSAGE_LENGTH))) {
    addError(lines, cause, 'caused by: ', indent, seen);
    return;
  }
  if (seen.has(cause)) return;
  seen.add(cause);
  lines.push(...framesOf(cause).map((frame) => `${indent}  ${frame}`));
  addCause(lines, cause, message, indent, seen);
}

function addErrors(lines: string[], error: Error, indent: string, seen: Set<unknown>): void {
  const errors = propertyOf(error, 'errors');
  if (!Array.isArray(errors)) return;
  for (const [index, each] of errors.slice(0, MAX_ERRORS).entries()) {
    addError(lines, each, `${index + 1} of ${errors.length}: `, indent, seen);
  }
}

/** `TypeError: message`. Errors of this package have a message that needs no name in front. */
function headingOf(error: unknown): string {
  const message = clipped(messageOf(error), MAX_MESSAGE_LENGTH).trim();
  if (!(error instanceof Error) || error instanceof EpollServerError) return message;
  const name = clipped(messageOf(propertyOf(error, 'name')), MAX_MESSAGE_LENGTH);
  return message === '' ? name : `${name}: ${message}`;
}

function propertyOf(error: Error, name: string): unknown {
  try {
    return Reflect.get(error, name);
  } catch {
    return undefined;
  }
}

/** The application's frames. When the error passed through packages alone, their frames. */
function framesOf(error: Error): readonly string[] {
  const stack = propertyOf(error, 'stack');
  if (typeof stack !== 'string') return [];
  const frames = clipped(withoutMessage(stack, error), MAX_MESSAGE_LENGTH)
    .split('\n')
    .flatMap((line) => frameOf(line.trim()) ?? []);
  const own = frames.filter((frame) => !frame.includes(`node_modules${sep}`));
  return own.length > 0 ? own : frames;
}

/** Removes the message from the stack: its lines are not frames, even if they look like frames. */
function withoutMessage(stack: string, error: Error): string {
  const message = messageOf(error);
  const at = message === '' ? -1 : stack.indexOf(message);
  return at < 0 ? stack : stack.slice(at + message.length);
}

/**
 * A stack line with its path relative to the working folder. Null: it has no file, or one of Node.js or this package.
 */
function frameOf(line: string): string | null {
  if (!line.startsWith('at ')) return null;
  const open = line.indexOf(' (');
  const bare = line.startsWith('at async ') ? 'at async '.length : 'at '.length;
  const from = open < 0 || line[bare] === '/' ? bare : open + 2;
  const isBare = from === bare;
  const location = isBare ? line.slice(from) : line.slice(from, -1);
  const path = pathOf(location);
  if (path === null || OWN_FOLDERS.some((folder) => path.startsWith(folder))) return null;
  return `${line.slice(0, from)}${shortened(path)}${isBare ? '' : ')'}`;
}

/** The path of `file:///PATH:LINE:COLUMN` or `/PATH:LINE:COLUMN`, with both numbers. */
function pathOf(location: string): string | null {
  if (location.startsWith('/')) return location;
  if (!location.startsWith('file:')) return null;
  const column = location.lastIndexOf(':');
  const line = location.lastIndexOf(':', column - 1);
  try {
    return fileURLToPath(location.slice(0, line)) + location.slice(line);
  } catch {
    return location;
  }
}

/** Makes paths below the working folder relative to it. */
function shortened(path: string): string {
  try {
    const short = relative(process.cwd(), path);
    return short.startsWith('..') ? path : short;
  } catch {
    // The working folder was deleted.
    return path;
  }
}
