// Tests servers with several addresses, ports and Unix domain sockets, and the files of these sockets.

import { execFile } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { lstat, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Connection } from '../../src/connection/connection.ts';
import type { ListenerOptions } from '../../src/connection/context.ts';
import { fetchHandler } from '../../src/fetch.ts';
import { type Handler, serve } from '../../src/index.ts';
import { createNativeKernel, type NativeKernel } from '../../src/kernel/native-kernel.ts';
import { serveReactor } from '../../src/server/server.ts';
import { wsgi } from '../../src/wsgi.ts';
import { BACK_END } from '../support/back-end.ts';
import { type Client, connect, connectUnix, get, post } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { echo, setupOf, startHandler } from '../support/serving.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);

function kernelOf(): NativeKernel {
  const kernel = createNativeKernel();
  onTestFinished(() => kernel.destroy());
  return kernel;
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

async function textOf(client: Client, target = '/'): Promise<string> {
  return (await client.send(get(target)).readResponse()).text;
}

/** A socket file of a server that ended without closing. */
function leaveBehind(path: string): void {
  const kernel = createNativeKernel();
  expect(kernel.listenUnix(path, -1, 8)).toBeGreaterThanOrEqual(0);
  kernel.destroy();
}

test('one server listens on several ports and paths, and counts all accepted connections', async () => {
  const path = `${await folder()}/a.sock`;
  const { server } = await startHandler(echo, { listen: ['127.0.0.1:0', `unix:${path}`, '[::1]:0', '127.0.0.1:0'] });
  const urls = server.urls.map(String);
  const [first = '', , third = '', fourth = ''] = urls;
  expect(urls).toEqual([
    `http://127.0.0.1:${server.port ?? 0}/`,
    `unix:${path}`,
    expect.stringMatching(/^http:\/\/\[::1\]:[1-9]\d*\/$/),
    expect.stringMatching(/^http:\/\/127\.0\.0\.1:[1-9]\d*\/$/),
  ]);
  expect(server.url).toBe(server.urls[0]);
  expect(new Set(urls).size).toBe(4);
  const portOf = (url: string): number => Number(new URL(url).port);
  const clients = [
    await connect(server.port ?? 0),
    await connectUnix(path),
    await connect(portOf(third), '::1'),
    await connect(portOf(fourth)),
  ];
  for (const [i, client] of clients.entries()) expect(await textOf(client, `/${i}`)).toBe(`GET /${i}`);
  expect(server.stats().connections.accepted).toBe(4);
  await server.close();
  expect(await isThere(path)).toBe(false);
  for (const client of clients) expect(await client.closed()).toBe('fin');
  for (const url of [first, fourth]) await expect(connect(portOf(url))).rejects.toThrow('ECONNREFUSED');
});

test('a Unix domain socket serves curl, content in both directions, and half-closed and disconnecting clients', async () => {
  const path = `${await folder()}/a.sock`;
  const content = Buffer.alloc(8_000_000, 'content');
  const handler: Handler = async (request, response) => {
    if (request.method === 'POST') return response.send(200, {}, String((await request.body.bytes()).length));
    response.send(200, {}, content);
  };
  await startHandler(handler, { listen: [{ path }] });
  const { stdout } = await run('curl', ['-s', '--unix-socket', path, 'http://a/'], { maxBuffer: 2 * content.length });
  expect(stdout.length).toBe(content.length);
  const slow = await connectUnix(path);
  slow.socket.pause();
  await slow.send(get('/')).flushed();
  const gone = await connectUnix(path);
  gone.send(get('/'));
  await gone.readBytes(1_000);
  gone.destroy();
  const other = await connectUnix(path);
  expect((await other.send(post('/', 'x'.repeat(1_000_000))).readResponse()).text).toBe('1000000');
  expect((await other.send(post('/', 'abc')).finish().readResponse()).text).toBe('3');
  expect(await other.closed()).toBe('fin');
  slow.socket.resume();
  expect((await slow.readResponse()).content.equals(content)).toBe(true);
});

test('a client of a Unix domain socket is logged as unix:, as in nginx', async () => {
  const path = `${await folder()}/a.sock`;
  for (const logFormat of ['common', 'combined', 'json'] as const) {
    let [log, trace] = ['', ''];
    const { server } = await startHandler(
      (request, response) => response.send(200, {}, JSON.stringify([request.remote, request.local])),
      {
        listen: [`unix:${path}`],
        log: {
          format: logFormat,
          access: (text) => {
            log += text;
          },
          trace: (text) => {
            trace += text;
          },
        },
      },
    );
    expect([server.hostname, server.port, server.url.href]).toEqual([undefined, undefined, `unix:${path}`]);
    const nothing = { address: '', port: 0 };
    expect(JSON.parse(await textOf(await connectUnix(path)))).toEqual([nothing, nothing]);
    await server.close({ now: true });
    expect(log).toMatch(logFormat === 'json' ? /"remote":"unix:","port":0/ : /^unix: - - \[/);
    expect(trace).toMatch(/^\* unix: connected\n\* unix: request\n/);
  }
});

test('for such a client, the environ and the URL have the host of the request', async () => {
  const path = `${await folder()}/a.sock`;
  const application = wsgi((environ, startResponse) => {
    startResponse('200 OK', []);
    const { SERVER_NAME, SERVER_PORT, REMOTE_ADDR, REMOTE_PORT } = environ;
    return JSON.stringify([SERVER_NAME, SERVER_PORT, REMOTE_ADDR, REMOTE_PORT]);
  });
  const { server } = await startHandler(application, { listen: [`unix:${path}`] });
  const ask = async (request: string): Promise<string> =>
    (await (await connectUnix(path)).send(request).readResponse()).text;
  expect(await ask('GET / HTTP/1.1\r\nHost: example.org\r\n\r\n')).toBe('["example.org","80","",""]');
  expect(await ask('GET / HTTP/1.1\r\nHost: [::1]:81\r\n\r\n')).toBe('["[::1]","81","",""]');
  expect(await ask('GET / HTTP/1.0\r\n\r\n')).toBe('["localhost","80","",""]');
  await server.close();
  await startHandler(
    fetchHandler((request) => new Response(request.url), { overrideGlobals: false }),
    { listen: [`unix:${path}`] },
  );
  expect(await ask('GET /a HTTP/1.0\r\n\r\n')).toBe('http://localhost/a');
  expect(await ask('GET /a HTTP/1.1\r\nHost: b\r\n\r\n')).toBe('http://b/a');
});

test('maxConnectionsPerAddress limits clients of TCP ports only, and counts closed connections no more', async () => {
  const path = `${await folder()}/a.sock`;
  const { server } = await startHandler(echo, {
    listen: ['127.0.0.1:0', `unix:${path}`],
    limits: { maxConnectionsPerAddress: 1 },
  });
  for (const client of [await connectUnix(path), await connectUnix(path)]) expect(await textOf(client)).toBe('GET /');
  const first = await connect(server.port ?? 0);
  expect(await textOf(first)).toBe('GET /');
  expect((await (await connect(server.port ?? 0)).send(get('/')).readResponse()).status).toBe(503);
  first.finish();
  await first.closed();
  await until(async () => {
    const client = await connect(server.port ?? 0);
    return (await client.send(get('/')).readResponse()).status === 200;
  }, 'there is room again');
});

test('the socket file has the given mode, otherwise that of the umask', async () => {
  const root = await folder();
  const before = process.umask(0o027);
  onTestFinished(() => void process.umask(before));
  const modeOf = async (name: string): Promise<string> => ((await lstat(`${root}/${name}`)).mode & 0o7777).toString(8);
  await startHandler(echo, {
    listen: [`unix:${root}/a,mode=606`, { path: `${root}/b`, mode: 0o777 }, { path: `${root}/c` }],
  });
  expect([await modeOf('a'), await modeOf('b'), await modeOf('c')]).toEqual(['606', '777', '750']);
});

test('a socket file of an ended server is replaced', async () => {
  const path = `${await folder()}/a.sock`;
  leaveBehind(path);
  await expect(connectUnix(path)).rejects.toThrow('ECONNREFUSED');
  await startHandler(echo, { listen: [`unix:${path}`] });
  expect(await textOf(await connectUnix(path))).toBe('GET /');
});

test('a socket in use and another kind of file are ERR_LISTEN, and are not removed', async () => {
  const root = await folder({ file: 'content' });
  await mkdir(`${root}/folder`);
  await startHandler(echo, { listen: [`unix:${root}/live`] });
  await symlink(`${root}/live`, `${root}/link`);
  const messageFor = (path: string): Promise<string> =>
    serve({ handler: echo, listen: [`unix:${root}/${path}`] }).then(
      () => 'it listens',
      (error: Error & { code: string }) => `${error.code} ${error.message.replace(root, '')}`,
    );
  expect(await messageFor('live')).toBe(
    'ERR_LISTEN cannot listen on unix:/live: another program listens there: choose another path, or end that program',
  );
  for (const name of ['file', 'folder', 'link']) {
    expect(await messageFor(name)).toBe(
      `ERR_LISTEN cannot listen on unix:/${name}: a file of that name exists and is not a socket: choose another path, or remove the file`,
    );
  }
  expect(await messageFor('none/a')).toBe(
    'ERR_LISTEN cannot listen on unix:/none/a: its folder does not exist: create it',
  );
  expect(await messageFor('file/a')).toBe(
    'ERR_LISTEN cannot listen on unix:/file/a: its parent path is not a folder: choose another path',
  );
  expect(await readFile(`${root}/file`, 'utf8')).toBe('content');
  expect(await textOf(await connectUnix(`${root}/live`))).toBe('GET /');
});

test('a socket counts as in use even with a full backlog', async () => {
  const path = `${await folder()}/a.sock`;
  const kernel = kernelOf();
  // This server accepts no client, so its backlog of 0 is full with the first.
  expect(kernel.listenUnix(path, -1, 0)).toBeGreaterThanOrEqual(0);
  await connectUnix(path);
  await expect(serve({ handler: echo, listen: [`unix:${path}`] })).rejects.toThrow('another program listens there');
});

test('close does not remove a socket file that another server has created since', async () => {
  const path = `${await folder()}/a.sock`;
  const first = await startHandler(echo, { listen: [`unix:${path}`] });
  await rm(path);
  await startHandler((_, response) => response.send(200, {}, 'second'), { listen: [`unix:${path}`] });
  await first.server.close();
  expect(await textOf(await connectUnix(path))).toBe('second');
});

test('close removes the socket file before requests in flight are answered', async () => {
  const path = `${await folder()}/a.sock`;
  let answer = (): void => {};
  const { server } = await startHandler(
    async (_, response) => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      response.send(200, {}, 'answered');
    },
    { listen: [`unix:${path}`] },
  );
  const client = await connectUnix(path);
  client.send(get('/'));
  await until(() => server.stats().requests.handled === 1, 'the request was handled');
  const closed = server.close();
  expect(await isThere(path)).toBe(false);
  answer();
  expect((await client.readResponse()).text).toBe('answered');
  await closed;
});

test('when one of several listeners fails, the others are closed', async () => {
  const root = await folder({ file: '' });
  const kernel = kernelOf();
  const { port } = kernel.local(kernel.listen('127.0.0.1', 0, 8));
  for (const last of [`unix:${root}/file`, `127.0.0.1:${port}`, 'fd:999999']) {
    await expect(serve({ handler: echo, listen: [`unix:${root}/a`, last] })).rejects.toMatchObject({
      code: 'ERR_LISTEN',
    });
    expect(await isThere(`${root}/a`)).toBe(false);
  }
});

test('a descriptor that does not listen is ERR_LISTEN', async () => {
  const root = await folder({ file: '' });
  const kernel = kernelOf();
  const bound = kernel.listen('127.0.0.1', 0, -1);
  const file = openSync(`${root}/file`, 'r');
  onTestFinished(() => closeSync(file));
  const failure = (fd: number) => expect(serve({ handler: echo, listen: [{ fd }] })).rejects;
  await failure(999_999).toThrow('cannot listen on fd:999999: the descriptor is not open');
  await failure(file).toThrow(`cannot listen on fd:${file}: it is not a socket`);
  await failure(bound).toThrow(`cannot listen on fd:${bound}: it is not a listening socket`);
  expect(kernel.local(bound).port, 'it is still open').toBeGreaterThan(0);
});

test('the options of a listener apply to its connections', async () => {
  const path = `${await folder()}/a.sock`;
  const seen: ListenerOptions[] = [];
  const server = await serveReactor(
    setupOf({
      handler: echo,
      backend: BACK_END.name,
      listen: ['127.0.0.1:0,backlog=7', `unix:${path}`],
      limits: { backlog: 9 },
    }),
    {
      connect: (context, fd, generation) => {
        seen.push(context.listenerOptions);
        return new Connection(context, fd, generation);
      },
    },
  );
  onTestFinished(() => server.close({ now: true }));
  for (const client of [await connectUnix(path), await connect(server.port ?? 0)]) await textOf(client);
  expect(seen).toMatchObject([
    { backlog: 9, isEncrypted: false },
    { backlog: 7, isEncrypted: false },
  ]);
});

test('a socket file that cannot be removed is reported, and close continues', async () => {
  const root = await folder();
  await mkdir(`${root}/deep`);
  const { server } = await startHandler(echo, { listen: [`unix:${root}/deep/a`] });
  await rm(`${root}/deep`, { recursive: true });
  await writeFile(`${root}/deep`, 'a file where its folder was');
  const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  await server.close();
  expect(written.mock.calls.map(([text]) => text)).toEqual([
    expect.stringMatching(/^epoll-server: the socket .*\/deep\/a cannot be removed: ENOTDIR[^\n]*\n$/),
  ]);
  written.mockRestore();
  expect(await readFile(`${root}/deep`, 'utf8')).toContain('a file');
});
