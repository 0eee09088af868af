// A server over a disk that is slow, or a system that lacks calls: the C library itself is replaced in part, so
// that nothing above it can know.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ServerStats } from '../../src/index.ts';
import { folder } from './folder.ts';
import { startProgram } from './program.ts';

const SOURCE = fileURLToPath(new URL('../shims/disk.cc', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../handlers/programs/files.mjs', import.meta.url));

export interface Shimmed {
  readonly port: number;
  stats(): Promise<ServerStats>;
}

/** Serves `root` in a process of its own, with what `env` says of test/shims/disk.cc. */
export async function startOverShim(root: string, env: Readonly<Record<string, string>>): Promise<Shimmed> {
  const library = `${await folder()}/disk.so`;
  execFileSync('g++', ['-shared', '-fPIC', '-O1', '-o', library, SOURCE, '-ldl']);
  const program = startProgram(process.execPath, [PROGRAM, root], { env: { LD_PRELOAD: library, ...env } });
  const port = Number(await program.announced(/^port (\d+)$/m));
  let asked = 0;
  const stats = async (): Promise<ServerStats> => {
    const name = `stats${asked++}`;
    program.say(name);
    return JSON.parse(await program.announced(new RegExp(`^${name} (.*)$`, 'm')));
  };
  return { port, stats };
}
