// A receiver of datagrams on a Unix domain socket, as a service manager and syslog are.

import { join } from 'node:path';
import { folder } from './folder.ts';
import { REPOSITORY, startProgram } from './program.ts';

export interface Datagrams {
  readonly path: string;
  /** What has arrived. */
  readonly texts: () => readonly string[];
}

export async function receiveDatagrams(): Promise<Datagrams> {
  const path = join(await folder(), 'datagrams');
  const program = startProgram('python3', [join(REPOSITORY, 'test/support/programs/datagrams.py'), path]);
  await program.announced(/^(bound)$/m);
  return { path, texts: () => program.stdout.split('\n').slice(1, -1).map(textOf) };
}

function textOf(line: string): string {
  const text: unknown = JSON.parse(line);
  return String(text);
}
