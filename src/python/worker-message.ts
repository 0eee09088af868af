// What a Python worker says when it has loaded its application, or why it could not.

import { EpollServerError } from '../errors.ts';
import { logLine } from '../log/log-line.ts';

export type WorkerMessage =
  | { readonly event: 'ready' }
  /** `details`: the lines of a traceback, or the callables of the module. */
  | {
      readonly event: 'failed';
      readonly reason: string;
      readonly message: string;
      readonly details: readonly string[];
    };

/** The last lines of a traceback are those of the application. */
const MAX_TRACEBACK_LINES = 20;

/** How many names of a module a message lists. */
const MAX_NAMES = 10;

/** Null: the line is no message of a worker. */
export function workerMessageOf(line: string): WorkerMessage | null {
  let said: unknown;
  try {
    said = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof said !== 'object' || said === null || !('event' in said)) return null;
  if (said.event === 'ready') return { event: 'ready' };
  if (!('reason' in said) || !('message' in said) || !('details' in said)) return null;
  const { reason, message, details } = said;
  if (!Array.isArray(details)) return null;
  return { event: 'failed', reason: String(reason), message: String(message), details: details.map(String) };
}

/**
 * The error of the application `name` that does not load. Its traceback is logged with the name of its worker, since a
 * message is one line.
 */
export function loadFailure(name: string, said: WorkerMessage, worker: string): EpollServerError {
  if (said.event === 'ready') return refuse(`${name} did not start`);
  const { reason, message, details } = said;
  if (reason === 'callable') return refuse(`${name} is no application: ${message}, which is not callable`);
  if (reason === 'name') {
    const names = details.length === 0 ? 'none' : details.slice(0, MAX_NAMES).join(', ');
    const [first] = details;
    const hint = first === undefined ? '' : `: name one, as in MODULE:${first}`;
    return refuse(`${name} has no ${message}; its callables are ${names}${hint}`);
  }
  for (const line of details.slice(-MAX_TRACEBACK_LINES)) logLine(`${worker}: ${line}`);
  return refuse(`${name} does not load: ${message}${placeOf(details)}`);
}

/** The place in the application's own source where a traceback ends. */
function placeOf(details: readonly string[]): string {
  const places = details.map((line) => /^ {2}File "(.+)", line (\d+)/.exec(line)).filter((match) => match !== null);
  const [, file, line] = places.at(-1) ?? [];
  return file === undefined ? '' : ` (${file}:${line})`;
}

function refuse(text: string): EpollServerError {
  return new EpollServerError('ERR_APPLICATION_MODULE', text);
}
