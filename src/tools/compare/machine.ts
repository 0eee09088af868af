// The machine that a comparison ran on, and its limit of connections for a process.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { PACKAGE_ROOT } from '../../package.ts';

export interface Machine {
  readonly processor: string;
  readonly processors: number;
  readonly memoryBytes: number;
  /** `Linux 6.1.0 x64`. */
  readonly system: string;
  readonly node: string;
  /** The version of this package. */
  readonly version: string;
  /**
   * The commit of its repository; empty when it was installed as a package. `+` when there were uncommitted changes.
   */
  readonly commit: string;
  /** The load average of the last minute at the start. */
  readonly load: number;
}

export function thisMachine(version: string): Machine {
  const processors = cpus();
  return {
    processor: processors[0]?.model.trim() ?? 'unknown',
    processors: processors.length,
    memoryBytes: totalmem(),
    system: `Linux ${release()} ${process.arch}`,
    node: process.version,
    version,
    commit: commit(),
    load: loadavg()[0] ?? 0,
  };
}

function commit(): string {
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-C', PACKAGE_ROOT, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    // An installed package may lie in the node_modules of another repository, whose commit is not meant.
    if (git('rev-parse', '--show-prefix') !== '') return '';
    return git('rev-parse', '--short=10', 'HEAD') + (git('status', '--porcelain', '-uno') === '' ? '' : '+');
  } catch {
    return '';
  }
}

/** Descriptors that this program and its servers need beside connections. */
const SPARE_DESCRIPTORS = 200;

/** Connections that a process may have: Node.js raises its limit to the hard one, and its children inherit it. */
export function connectionLimit(): number {
  const limit = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return limit === 'unlimited' ? Number.MAX_SAFE_INTEGER : Math.max(Number(limit ?? 1_024) - SPARE_DESCRIPTORS, 64);
}
