// The machine as scripts/operations.js sees it: its programs, a folder for this run, waiting.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const LIMIT_MS = 60_000;

export const folder = mkdtempSync(join(tmpdir(), 'epoll-operations-'));

const children = new Set();

export function isInstalled(program) {
  return spawnSync('sh', ['-c', `command -v ${program}`], { env: withSbin() }).status === 0;
}

/** Debian keeps HAProxy and nginx where only root looks. */
function withSbin() {
  return { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin` };
}

/** `fds` become descriptors 3 and up. The text that it writes to its streams is in `said`. */
export function start(program, args, fds = []) {
  const env = { ...withSbin(), XDG_DATA_HOME: folder };
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe', ...fds], env });
  children.add(child);
  child.said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => (child.said += text));
  child.once('exit', () => children.delete(child));
  return child;
}

/** Ends all that was started. */
export async function endAll() {
  for (const child of children) child.kill('SIGTERM');
  await until(() => children.size === 0, 'all have ended').catch(() => {
    for (const child of children) child.kill('SIGKILL');
  });
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
