// Tests --user and --group: workers run as another user, and can write to the logs, also after a rotation. Only root may
// change the user of a process. For others the test is that they are refused.

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, linkSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { giveLogs } from '../../src/cli/owner.ts';
import { childrenOf } from '../models/models.ts';
import { ask, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { COMMAND, type Program, portOf, startCommand } from '../support/program.ts';
import { until } from '../support/until.ts';

/** The user `nobody` of Linux. */
const UID = 65_534;
const LAST = 'Connection: close';

const APPLICATION = `export default {
  fetch({ url }) {
    if (url.endsWith('/throw')) throw new Error('on purpose');
    return Response.json([process.getuid(), process.getgid(), process.getgroups()]);
  },
};`;

async function start(...flags: readonly string[]): Promise<{ program: Program; path: string; port: number }> {
  const path = await folder({ 'app.mjs': APPLICATION });
  // The user of the workers reads the application, and may create no file beside it.
  chmodSync(path, 0o755);
  const logs = ['--access-log', `${path}/access.log`, '--error-log', `${path}/error.log`];
  const program = startCommand(['0', `${path}/app.mjs`, '--workers', '1', ...logs, ...flags]);
  return { program, path, port: await portOf(program) };
}

/** Whether another user can run the command of this repository at all. */
function canRunAs(uid: number): boolean {
  return spawnSync(process.execPath, [COMMAND, '--version'], { uid, gid: uid }).status === 0;
}

if (process.getuid?.() === 0 && canRunAs(UID)) {
  test('workers run as another user without supplementary groups, the main process does not', async () => {
    const { program, path, port } = await start('--user', 'nobody', '--umask', '022');
    const [uid, gid, groups] = JSON.parse((await ask(port, get('/', LAST))).text);
    expect([uid, groups.filter((group: number) => group !== gid)]).toEqual([UID, []]);
    expect(gid).not.toBe(0);
    expect(statSync(`/proc/${program.pid}`).uid).toBe(0);
    for (const child of childrenOf(program.pid)) expect(statSync(`/proc/${child}`).uid).toBe(UID);
    await ask(port, get('/throw', LAST));
    for (const [log, text] of [
      ['access.log', '"GET / HTTP/1.1" 200'],
      ['error.log', 'on purpose'],
    ] as const) {
      const file = `${path}/${log}`;
      await until(async () => (await readFile(file, 'utf8')).includes(text), `${log} is written`);
      expect(statSync(file).uid, log).toBe(UID);
    }
    program.signal('SIGTERM');
    expect(await program.ended()).toBe(0);
    expect(program.stderr).toBe('');
  });

  test('after a rotation SIGUSR1 creates the logs for them', async () => {
    const { program, path, port } = await start('--user', String(UID), '--group', 'nogroup');
    await ask(port, get('/first', LAST));
    await until(async () => (await readFile(`${path}/access.log`, 'utf8')).includes('/first'), 'it is logged');
    renameSync(`${path}/access.log`, `${path}/access.log.1`);
    program.signal('SIGUSR1');
    await until(() => existsSync(`${path}/access.log`), 'it is created');
    await until(async () => {
      await ask(port, get('/second', LAST));
      return (await readFile(`${path}/access.log`, 'utf8')).includes('/second');
    }, 'the new file is written');
    expect(statSync(`${path}/access.log`).uid).toBe(UID);
  });

  test('a link in the place of a log is left alone', async () => {
    const path = await folder({ secret: 'of root' });
    symlinkSync(`${path}/secret`, `${path}/symbolic`);
    linkSync(`${path}/secret`, `${path}/hard`);
    writeFileSync(`${path}/log`, '');
    for (const accessLog of ['symbolic', 'hard', 'log']) giveLogs(settingsOf(`${path}/${accessLog}`), { uid: UID });
    expect([statSync(`${path}/secret`).uid, statSync(`${path}/log`).uid]).toEqual([0, UID]);
  });
} else {
  test('another user than root cannot run workers as someone else', () => {
    const args = [COMMAND, '0', '--workers', '1', '--user', 'nobody'];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect([status, stderr]).toEqual([
      2,
      'epoll-server: --user needs the rights of root: start the server as root, or remove it; see --help\n',
    ]);
  });
}

function settingsOf(accessLog: string): Parameters<typeof giveLogs>[0] {
  // Only the logs are read.
  return { accessLog } as Parameters<typeof giveLogs>[0];
}
