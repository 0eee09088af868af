// The machine as scripts/operations.js sees it: its programs, a folder for this run, waiting.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const LIMIT_MS = 60_000;

export const folder = mkdtempSync(join(tmpdir(), 'epoll-operations-'));

/** Each program leads a process group, which its successors (SIGUSR2) and workers stay in. */
const groups = new Set();

process.on('exit', () => {
  for (const group of groups) signalGroup(group, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => process.exit(128 + constants.signals[signal]));
}

/** Returns whether the group still has processes. */
function signalGroup(group, signal) {
  try {
    return process.kill(-group, signal);
  } catch {
    return false;
  }
}

export function isInstalled(program) {
  return spawnSync('sh', ['-c', `command -v ${program}`], { env: withSbin() }).status === 0;
}

/** Debian keeps HAProxy and nginx where only root looks. */
function withSbin() {
  return { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin` };
}

/** `fds` become descriptors 3 and up. The text that it writes to its streams is in `said`. It ends with this process. */
export function start(program, args, fds = []) {
  // The system gives the number of an empty group to another one.
  for (const group of groups) if (!signalGroup(group, 0)) groups.delete(group);
  const env = { ...withSbin(), XDG_DATA_HOME: folder };
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe', ...fds], env, detached: true });
  groups.add(child.pid);
  child.said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => (child.said += text));
  return child;
}

export async function until(condition, what) {
  for (const end = performance.now() + LIMIT_MS; !(await condition()); await sleep(20)) {
    if (performance.now() > end) throw new Error(`it takes too long until ${what}`);
  }
}

/** A zombie has ended: its parent has not waited for it yet. */
export function isRunning(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2)[0] !== 'Z';
  } catch {
    return false;
  }
}
