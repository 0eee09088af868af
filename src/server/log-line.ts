// Lines for the operator, on standard error: printable, bounded, and never the end of the program.

import { printableLine } from '../printable.ts';

/** Text that may wait for a slow reader of standard error; lines beyond are counted, and dropped. */
const MAX_WAITING_BYTES = 1_048_576;

let lostLines = 0;
let isHandlingErrors = false;

/** Writes `text` as one line; `separator` takes the place of its line feeds. */
export function logLine(text: string, separator = ' '): void {
  const { stderr } = process;
  if (!isHandlingErrors) {
    isHandlingErrors = true;
    // An 'error' event without a listener ends the process, and a reader that leaves (EPIPE) raises one.
    stderr.on('error', () => {});
  }
  if (stderr.writableLength >= MAX_WAITING_BYTES) {
    lostLines++;
    return;
  }
  const lost = lostLines;
  lostLines = 0;
  const notice = lost === 0 ? '' : `epoll-server: ${lost} lines for standard error were lost\n`;
  stderr.write(`${notice}epoll-server: ${printableLine(text, separator)}\n`, (error) => {
    if (error != null) lostLines += lost + 1;
  });
}
