// The models of this project as contenders: the program of each, as an operator starts it, with all its defaults.

import { fileURLToPath } from 'node:url';
import type { Contender } from './contender.ts';

const APPLICATION = fileURLToPath(new URL('application.js', import.meta.url));

/** The model that `program` serves by. */
export function modelContender(name: string, program: string, version: string): Contender {
  return {
    name,
    kind: 'model',
    version,
    answers: ['text', 'sleep', 'burn', 'kib', 'mib'],
    command: (place, { folder, port }) => ({
      command: process.execPath,
      args: [program, `${port}`, place === 'files' ? folder : `${APPLICATION}:application`, '--no-access-log'],
    }),
  };
}
