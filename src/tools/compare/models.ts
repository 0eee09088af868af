// The models of this project as contenders: the program of each, as an operator starts it, with all its defaults.

import { programPath } from '../../package.ts';
import type { Contender } from './contender.ts';

const APPLICATION = programPath('tools/compare/application.js');

export function modelContender(name: string, version: string): Contender {
  return {
    name,
    kind: 'model',
    version,
    answers: ['text', 'sleep', 'burn', 'kib', 'mib'],
    command: (place, { folder, port }) => ({
      command: process.execPath,
      args: [
        programPath(`${name}-server.js`),
        `${port}`,
        place === 'files' ? folder : `${APPLICATION}:application`,
        '--no-access-log',
      ],
    }),
  };
}
