// The installed package as a container runs it: process 1 of a pid namespace of its own, without root where this check
// has it, on a file system that nothing can be written to. It serves, reaps what an application's children leave behind,
// and ends in order by SIGTERM.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { page, runToEnd, StartedServer } from '../programs.js';

/** Bounds for what hangs. */
const MAX_LOOKS = 100;
const LOOK_MS = 200;

/** `/orphan` leaves a grandchild behind, which ends soon; `/zombies` counts the children that nothing has waited for. */
const APPLICATION = `import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
const stat = (pid) => { try { return readFileSync('/proc/' + pid + '/stat', 'utf8').split(') ')[1].split(' '); } catch { return []; } };
export default {
  fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === '/orphan') {
      const child = spawn('sh', ['-c', 'sleep 0.1 & exit 7']);
      return new Promise((resolve) => child.on('exit', (code) => resolve(new Response('child ' + code))));
    }
    const zombies = readdirSync('/proc').map(stat).filter(([state, parent]) => state === 'Z' && parent === '1').length;
    return Response.json({ pid: process.pid, uid: process.getuid(), zombies });
  },
};
`;

/** In namespaces of its own: what the shell of the new process 1 does before it becomes the server. */
const SETUP =
  'mount -t proc proc /proc && mount --bind / / && mount -o remount,bind,ro / && cd "$1" && shift && exec "$@"';

function namespace(isRoot) {
  return ['--mount', '--pid', '--fork', '--kill-child', ...(isRoot ? [] : ['--map-root-user'])];
}

/** The process 1 of the namespace that `unshare` made, as this one sees it. */
function childOf(pid) {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
}

async function until(what, look) {
  for (let i = 0; i < MAX_LOOKS; i++) {
    if (await look()) return;
    await pause(LOOK_MS);
  }
  throw new Error(`not so after ${MAX_LOOKS * LOOK_MS} ms: ${what}`);
}

async function use(url) {
  const state = async () => JSON.parse(await page(`${url}/zombies`));
  const { pid, uid } = await state();
  if (pid !== 1) throw new Error(`it is process ${pid}`);
  const child = await page(`${url}/orphan`);
  if (child !== 'child 7') throw new Error(`its own child ended with "${child}"`);
  await until('the orphan has ended', async () => (await state()).zombies > 0);
  await until('the orphan was reaped', async () => (await state()).zombies === 0);
  return uid;
}

export async function checkProcessOne(installation) {
  const isRoot = process.getuid() === 0;
  if (runToEnd('unshare', [...namespace(isRoot), 'true']).exit !== 0) {
    return 'NOT TRIED: this system has no unshare(1) that may make namespaces';
  }
  chmodSync(installation.folder, 0o755);
  const application = join(installation.folder, 'application.mjs');
  writeFileSync(application, APPLICATION);
  const server = [process.execPath, 'node_modules/.bin/epoll-server', '0', application];
  const unprivileged = isRoot ? ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'] : [];
  const args = [...namespace(isRoot), 'sh', '-c', SETUP, 'sh', installation.folder, ...unprivileged, ...server];
  const started = new StartedServer('unshare', args, { cwd: '/' });
  let uid;
  try {
    uid = await use(await started.url());
  } finally {
    process.kill(childOf(started.pid), 'SIGTERM');
    await started.ended();
  }
  return `process 1, user ${uid}, read-only: serves, reaps, ends by SIGTERM`;
}
