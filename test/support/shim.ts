// Starts a server with a slow disk, or on a system that lacks calls. Parts of the C library are replaced, below all code of
// the project.

import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ServerStats } from '../../src/index.ts';
import { REPOSITORY, startProgram } from './program.ts';

const SOURCE = fileURLToPath(new URL('../shims/disk.cc', import.meta.url));
const LIBRARY = `${REPOSITORY}build/shims/disk.so`;
const PROGRAM = fileURLToPath(new URL('../files/programs/files.mjs', import.meta.url));

export interface Shimmed {
  readonly port: number;
  stats(): Promise<ServerStats>;
}

/** Compiles changed sources. Other test files may do so at the same time, so each renames its own file. */
function buildLibrary(): void {
  const builtMs = statSync(LIBRARY, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (builtMs > statSync(SOURCE).mtimeMs) return;
  mkdirSync(dirname(LIBRARY), { recursive: true });
  const made = `${LIBRARY}.${process.pid}`;
  execFileSync('g++', ['-shared', '-fPIC', '-O1', '-o', made, SOURCE, '-ldl']);
  renameSync(made, LIBRARY);
}

/** Serves `root` in a separate process; `env`: variables of test/shims/disk.cc. */
export async function startOverShim(root: string, env: Readonly<Record<string, string>>): Promise<Shimmed> {
  buildLibrary();
  // A sanitizer stands in front (scripts/sanitized.js).
  const libraries = [...(process.env['LD_PRELOAD'] ?? '').split(':'), LIBRARY].filter((name) => name !== '');
  const program = startProgram(process.execPath, [PROGRAM, root], { env: { LD_PRELOAD: libraries.join(':'), ...env } });
  const port = Number(await program.announced(/^port (\d+)$/m));
  let asked = 0;
  const stats = async (): Promise<ServerStats> => {
    const name = `stats${asked++}`;
    program.say(name);
    return JSON.parse(await program.announced(new RegExp(`^${name} (.*)$`, 'm')));
  };
  return { port, stats };
}
