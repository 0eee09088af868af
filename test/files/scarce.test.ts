// Tests the responses and log lines when files cannot be opened for lack of descriptors, permission, a name or a root. Each
// is a clear status and one log line, and other requests are not affected.

import { chmod, mkdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { OpenFile, Refusal } from '../../src/files/file-source.ts';
import type { ServerStats } from '../../src/index.ts';
import { ask, type Client, connect, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { type Program, startProgram } from '../support/program.ts';
import { startHandler } from '../support/serving.ts';
import { fakeFile, fakeSource, makeSite } from '../support/site.ts';
import { until } from '../support/until.ts';

const MODULE = new URL('../../dist/index.js', import.meta.url).href;

interface Served {
  readonly program: Program;
  readonly port: number;
  /** New text on standard error since the last call. */
  log(): string;
}

/** Serves `root` in a separate process: `before` runs in it first, `after` once it listens. */
async function startServer(
  root: string,
  { files = '', options = '{}', limit = 1_024, before = '', after = '' },
): Promise<Served> {
  const script = `
    const { serve } = await import(${JSON.stringify(MODULE)});
    const { closeSync, openSync } = await import('node:fs');
    ${before}
    const server = await serve({ port: 0, static: { root: ${JSON.stringify(root)}, ${files} }, ...${options} });
    ${after}
    console.log('port ' + server.port);
    process.stdin.on('data', () => console.log('stats ' + JSON.stringify(server.stats())));`;
  const shell = `ulimit -n ${limit}; exec "$0" --input-type=module -e "$1"`;
  const program = startProgram('bash', ['-c', shell, process.execPath, script]);
  const port = Number(await program.announced(/^port (\d+)$/m));
  let seen = 0;
  const log = (): string => {
    const text = program.stderr.slice(seen);
    seen = program.stderr.length;
    return text;
  };
  return { program, port, log };
}

async function statsOf({ program }: Served): Promise<ServerStats> {
  const lines = program.stdout.split('\n').length;
  program.say('');
  await until(() => program.stdout.split('\n').length > lines, 'the counters were printed');
  return JSON.parse(program.stdout.split('\n').at(-2)?.replace('stats ', '') ?? '');
}

/** Uses up descriptors of a process that has loaded all modules, except for this number. */
const take = (free: number): string => `
    const taken = [];
    try { for (;;) taken.push(openSync('/dev/null')); } catch {}
    for (const fd of taken.slice(-${free})) closeSync(fd);`;

const LARGE = Buffer.alloc(200_000, 'x');

test('cached open files are closed to make room for clients and other files', async () => {
  const names = Array.from({ length: 40 }, (_, i) => `${i}.bin`);
  const root = await folder(Object.fromEntries(names.map((name) => [name, LARGE])));
  const served = await startServer(root, { limit: 256, after: take(24) });
  for (const name of names) expect((await ask(served.port, get(`/${name}`))).content.length, name).toBe(LARGE.length);
  expect((await statsOf(served)).files.open).toBeGreaterThan(4);
  const clients: Client[] = [];
  for (let i = 0; i < 18; i++) clients.push(await connect(served.port));
  for (const client of clients) {
    client.send(get('/0.bin'));
    expect((await client.readResponse()).content).toHaveLength(LARGE.length);
  }
  expect(await statsOf(served)).toMatchObject({ connections: { pauses: 0, open: 18 } });
  for (const client of clients) client.destroy();
  expect(served.log()).toBe('');
});

test('without descriptors, uncached files get 503 and one log line until some are free', async () => {
  const root = await folder({ 'small.txt': 'small', 'large.bin': LARGE, 'other.bin': LARGE });
  const served = await startServer(root, { limit: 256, options: '{ limits: { maxOpenFiles: 0 } }', after: take(4) });
  const clients: Client[] = [];
  const first = await connect(served.port);
  expect((await first.send(get('/small.txt')).readResponse()).text).toBe('small');
  for (let i = 0; i < 8; i++) clients.push(await connect(served.port));
  await until(async () => (await statsOf(served)).connections.pauses > 0, 'descriptors ran out');
  for (let i = 0; i < 5; i++) expect((await first.send(get('/large.bin')).readResponse()).status).toBe(503);
  expect(served.log()).toBe(
    'epoll-server: GET /large.bin: no descriptors or memory left: raise the limit of open files (ulimit -n), or serve fewer clients\n',
  );
  for (const client of clients) client.destroy();
  await until(async () => {
    const { connections } = await statsOf(served);
    return connections.accepted === 9 && connections.open === 1;
  }, 'all clients were served and disconnected');
  expect((await first.send(get('/large.bin')).readResponse()).content).toHaveLength(LARGE.length);
  expect((await first.send(get('/small.txt')).readResponse()).text).toBe('small');
  first.destroy();
});

test('with one free descriptor a file can be looked up but not opened, and gets 503', async () => {
  const root = await folder({ 'large.bin': LARGE });
  await utimes(`${root}/large.bin`, 1_000_000_000, 1_000_000_000);
  // The time of change cannot be set, so the test waits until it is long enough ago.
  const before = `const now = Date.now; Date.now = () => now() + 3_600_000;`;
  const after = `process.stdin.once('data', () => {${take(1)}});`;
  const served = await startServer(root, { limit: 256, options: '{ limits: { maxOpenFiles: 0 } }', before, after });
  const client = await connect(served.port);
  expect((await client.send(get('/large.bin')).readResponse()).content).toHaveLength(LARGE.length);
  await statsOf(served);
  expect((await client.send(get('/large.bin')).readResponse()).status).toBe(503);
  expect(served.log()).toContain('GET /large.bin: no descriptors');
  client.destroy();
});

test.each([
  ['exhausted', 503],
  ['failed', 500],
  ['forbidden', 403],
  ['missing', 404],
] as const)(
  'a cached file that cannot be opened again (%s) is tried at most twice, then %i',
  async (refusal, status) => {
    const content = Buffer.alloc(5_000, 'x');
    const read = async (into: Uint8Array, position: number): Promise<number> => content.copy(into, 0, position);
    const file: OpenFile = { ...fakeFile(content.length, read), isUnchanged: () => false, share: () => file };
    let opened = 0;
    let isRefused = false;
    const open = (): OpenFile | Refusal => {
      if (++opened > 9) throw new Error('it is opened again and again');
      return isRefused ? refusal : file;
    };
    const source = { ...fakeSource({ 'x.bin': file }), open };
    const { port } = await startHandler(makeSite(source).handler);
    expect((await ask(port, get('/x.bin'))).content).toEqual(content);
    isRefused = true;
    expect((await ask(port, get('/x.bin'))).status).toBe(status);
  },
);

/** Permissions do not apply to root, so the process gives up its rights. */
const AS_NOBODY = 'if (process.getuid() === 0) { process.setgid(65534); process.setuid(65534); }';

test('an unreadable file gets 403, an unreadable sibling is ignored, each with one log line', async () => {
  const root = await folder({
    'secret.txt': 'secret',
    'closed/page.html': 'page',
    'open.txt': 'open',
    'app.js': 'x'.repeat(2_000),
    'app.js.br': 'unreadable',
  });
  await chmod(root, 0o755);
  for (const name of ['secret.txt', 'closed', 'app.js.br']) await chmod(`${root}/${name}`, 0);
  const served = await startServer(root, { before: AS_NOBODY });
  const forbidden = 'permission denied: let the server read this file and enter the folders above it';
  for (const target of ['/secret.txt', '/closed/page.html']) {
    expect((await ask(served.port, get(target))).status, target).toBe(403);
    await until(() => served.program.stderr.endsWith('\n'), 'the line is logged');
    if (target === '/secret.txt') expect(served.log()).toBe(`epoll-server: GET ${target}: ${forbidden}\n`);
  }
  served.log();
  expect((await ask(served.port, get('/open.txt'))).text).toBe('open');
  const answer = await ask(served.port, get('/app.js', 'Accept-Encoding: br'));
  expect([answer.status, answer.field('content-encoding')], 'compressed here').toEqual([200, 'br']);
  expect(answer.text).not.toContain('unreadable');
  await until(() => served.program.stderr.endsWith('forbidden\n'), 'the line is logged');
  expect(served.log()).toBe('epoll-server: app.js.br cannot be used: forbidden\n');
  await chmod(`${root}/closed`, 0o700);
});

test('too long names get 404 without a log line, and other bytes than UTF-8 work', async () => {
  const root = await folder({ 'a.txt': 'a' });
  await writeFile(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x66, 0xff, 0x2e, 0x74])]), 'raw');
  const served = await startServer(root, {
    files: 'listing: true',
    options: '{ limits: { maxTargetBytes: 16_384 } }',
  });
  const statuses = async (...targets: readonly string[]): Promise<readonly number[]> =>
    Promise.all(targets.map(async (target) => (await ask(served.port, get(target))).status));
  expect(await statuses(`/${'x'.repeat(300)}`, `/${'d/'.repeat(2_500)}x`, `/${'y'.repeat(5_000)}`)).toEqual([
    404, 404, 404,
  ]);
  expect(await statuses('/f%ff.t', '/f%C3%BF.t', '/%c0%ae', '/f%EF%BF%BD.t')).toEqual([200, 404, 404, 404]);
  const listing = await ask(served.port, get('/', 'Accept: application/json'));
  expect(listing.status).toBe(200);
  expect(listing.text).toContain('a.txt');
  expect(listing.text, 'its link').toContain('./f%FF.t');
  expect((await ask(served.port, get('/a.txt'))).text).toBe('a');
  expect(served.log()).toBe('');
});

test('a root that is moved away gets 404, and is served again when it is back', async () => {
  const parent = await folder({ 'www/a.txt': 'a', 'www/big.bin': LARGE });
  const served = await startServer(`${parent}/www`, { files: 'listing: true' });
  const isGone = async (target: string): Promise<boolean> => (await ask(served.port, get(target))).status === 404;
  expect([await isGone('/a.txt'), await isGone('/big.bin'), await isGone('/')]).toEqual([false, false, false]);
  await rename(`${parent}/www`, `${parent}/elsewhere`);
  for (const target of ['/a.txt', '/big.bin', '/']) await until(() => isGone(target), `${target} is gone`);
  await rename(`${parent}/elsewhere`, `${parent}/www`);
  for (const target of ['/a.txt', '/big.bin', '/'])
    await until(async () => !(await isGone(target)), `${target} is back`);
  expect(served.log()).toBe(
    `epoll-server: the folder ${parent}/www is gone: responding with 404 until it exists again\n`,
  );
});

test('a root that disappears gets 404 and one line until it is back', async () => {
  const parent = await folder({ 'www/a.txt': 'a', 'www/big.bin': LARGE });
  const served = await startServer(`${parent}/www`, {});
  expect((await ask(served.port, get('/a.txt'))).text).toBe('a');
  expect((await ask(served.port, get('/big.bin'))).status).toBe(200);
  await rm(`${parent}/www`, { recursive: true });
  for (const target of ['/a.txt', '/big.bin']) {
    await until(async () => (await ask(served.port, get(target))).status === 404, `${target} is gone`);
  }
  await until(async () => {
    await ask(served.port, get('/a.txt'));
    return served.program.stderr !== '';
  }, 'the log says so');
  await mkdir(`${parent}/new`);
  await writeFile(`${parent}/new/a.txt`, 'back');
  await rename(`${parent}/new`, `${parent}/www`);
  await until(async () => (await ask(served.port, get('/a.txt'))).text === 'back', 'the root is served again');
  expect(served.log()).toBe(
    `epoll-server: the folder ${parent}/www is gone: responding with 404 until it exists again\n`,
  );
});

test('a root that temporarily cannot be looked up is still served', async () => {
  const root = await folder({ 'a.txt': 'here' });
  const flag = `${await folder()}/fails`;
  const before = `
    const fs = (await import('node:fs')).default;
    const { stat } = fs;
    const error = Object.assign(new Error('EIO on purpose'), { code: 'EIO' });
    fs.stat = (path, callback) => (fs.existsSync(${JSON.stringify(flag)}) ? callback(error) : stat(path, callback));
    (await import('node:module')).syncBuiltinESMExports();`;
  const served = await startServer(root, { before });
  const client = await connect(served.port);
  await writeFile(flag, '');
  const end = Date.now() + 2_000;
  while (Date.now() < end) expect((await client.send(get('/a.txt')).readResponse()).status).toBe(200);
  expect(served.log()).toBe('');
});

test('a root that hangs is looked up by one thread at a time', async () => {
  const root = await folder({ 'a.txt': 'here' });
  const before = `
    const fs = (await import('node:fs')).default;
    let looks = 0;
    fs.stat = () => process.stdout.write('look ' + ++looks + '\\n');
    (await import('node:module')).syncBuiltinESMExports();`;
  const served = await startServer(root, { before });
  const client = await connect(served.port);
  const end = Date.now() + 2_000;
  while (Date.now() < end) expect((await client.send(get('/a.txt')).readResponse()).status).toBe(200);
  expect(served.program.stdout.match(/^look \d+$/gm)).toEqual(['look 1']);
});
