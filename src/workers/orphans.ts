// Reaps orphans as process 1 of a container. It inherits children whose parents have ended, and must wait for them:
// until then each stays a zombie and keeps its process number (wait(2), pid_namespaces(7)).

import { readdirSync, readFileSync } from 'node:fs';
import { type Addon, loadAddon } from '../kernel/addon.ts';

/** libuv waits for the children of Node.js as soon as they end. A zombie that is left after this time is an orphan. */
const SETTLE_MS = 1_000;

const TASKS = '/proc/self/task';

interface Zombie {
  readonly pid: number;
  /** The start time, which identifies the process: numbers are reused. */
  readonly startedAt: string;
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The process is gone, or this kernel does not list children.
    return '';
  }
}

/** The zombies among the children of this process (proc(5): children, stat). */
function zombies(): readonly Zombie[] {
  const children = readdirSync(TASKS).flatMap((task) => readOrNothing(`${TASKS}/${task}/children`).split(' '));
  return children.flatMap((pid) => {
    const stat = pid === '' ? '' : readOrNothing(`/proc/${pid}/stat`);
    // The program name, in parentheses, may contain any characters.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? [{ pid: Number(pid), startedAt: fields[18] ?? '' }] : [];
  });
}

/** Reaps inherited children from now on; for process 1. */
export function reapOrphans(addon: Addon = loadAddon()): void {
  let seen: readonly Zombie[] = [];
  let timer: NodeJS.Timeout | null = null;
  const look = (): void => {
    timer = null;
    const found = zombies();
    const isOld = (one: Zombie): boolean =>
      seen.some(({ pid, startedAt }) => pid === one.pid && startedAt === one.startedAt);
    for (const one of found.filter(isOld)) addon.reap(one.pid);
    seen = found.filter((one) => !isOld(one));
    if (seen.length > 0) lookLater();
  };
  const lookLater = (): void => {
    if (timer !== null) return;
    timer = setTimeout(look, SETTLE_MS);
    timer.unref();
  };
  process.on('SIGCHLD', lookLater);
}
