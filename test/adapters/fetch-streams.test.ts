// Tests how the fetch adapter streams: at the pace of the reader, with the head first, until the client disconnects.

import { describe, expect, test } from 'vitest';
import { fetchHandler, Response } from '../../src/fetch.ts';
import type { FetchApplication, ServeOptions } from '../../src/index.ts';
import { get } from '../support/client.ts';
import { type Site, startHandler } from '../support/serving.ts';
import { gate, pause, until } from '../support/until.ts';

const NodeResponse: typeof globalThis.Response = Reflect.get(globalThis, 'Response');

function startApp(application: FetchApplication, options: ServeOptions = {}): Promise<Site> {
  return startHandler(fetchHandler(application, { overrideGlobals: false }), options);
}

const bytes = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text));

describe('a client that disconnects', () => {
  test('aborts the signal, and cancels the stream of the response', async () => {
    const aborted = gate();
    const cancelled = gate();
    const { connect, server } = await startApp((request) => {
      request.signal.addEventListener('abort', () => aborted.open());
      const never = new ReadableStream({
        start: (controller) => controller.enqueue(bytes('first')),
        pull: () => new Promise(() => {}),
        cancel: () => cancelled.open(),
      });
      return new Response(never);
    });
    const client = await connect();
    await client.send(get('/')).readUntil('first');
    client.reset();
    await Promise.all([aborted.opened, cancelled.opened]);
    expect(server.stats().requests.aborted).toBe(1);
  });

  test('before its response is made cancels the stream of that response', async () => {
    const cancelled = gate();
    const { connect } = await startApp(async (request) => {
      await new Promise((resolve) => request.signal.addEventListener('abort', resolve));
      return new Response(new ReadableStream({ cancel: () => cancelled.open() }));
    });
    const client = await connect();
    client.send(get('/'));
    await pause(20);
    client.reset();
    await cancelled.opened;
  });

  test('by FIN alone aborts nothing: it gets its response', async () => {
    let aborted = false;
    const { connect } = await startApp(async (request) => {
      request.signal.addEventListener('abort', () => {
        aborted = true;
      });
      await pause(50);
      return new Response('whole');
    });
    const client = await connect();
    expect((await client.send(get('/')).finish().readResponse()).text).toBe('whole');
    expect(aborted).toBe(false);
  });

  test('by FIN for longer than halfClosedTimeoutMs aborts', async () => {
    const { opened, open } = gate();
    const { connect } = await startApp(
      (request) => {
        request.signal.addEventListener('abort', open);
        return new Promise(() => {});
      },
      { timeouts: { halfClosedMs: 100 } },
    );
    (await connect()).send(get('/')).finish();
    await opened;
  });

  test('in the middle of its body makes reading fail', async () => {
    const errors: unknown[] = [];
    const { connect } = await startApp(async (request) => {
      await request.text().catch((error: unknown) => errors.push(error));
      return new Response();
    });
    const client = await connect();
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab');
    await pause(20);
    client.reset();
    await until(() => errors.length > 0, 'reading failed');
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_CLIENT_GONE' })]);
  });
});

test('the head of a stream does not wait for its first piece', async () => {
  const slow = (opened: Promise<void>): ReadableStream =>
    new ReadableStream({
      pull: async (controller) => {
        await opened;
        controller.enqueue(bytes('at last'));
        controller.close();
      },
    });
  for (const Class of [Response, NodeResponse]) {
    const { opened, open } = gate();
    const { connect } = await startApp(() => new Class(slow(opened)));
    const client = await connect();
    expect(await client.send(get('/')).readUntil('\r\n\r\n')).toContain('200 OK');
    open();
    expect(await client.readUntil('0\r\n\r\n')).toContain('at last');
  }
});

test('HEAD of a stream that never ends gets a response, and cancels the stream', async () => {
  const cancelled = gate();
  const endless = (): ReadableStream =>
    new ReadableStream({
      pull: async (controller) => {
        await pause(1);
        controller.enqueue(bytes('x'));
      },
      cancel: () => cancelled.open(),
    });
  const { connect } = await startApp(() => new Response(endless()));
  const client = await connect();
  const answer = await client.send('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n').readResponse({ head: true });
  expect(answer.status).toBe(200);
  await cancelled.opened;
});

test('a slow reader slows the stream down', async () => {
  let given = 0;
  const { connect } = await startApp(
    () =>
      new Response(
        new ReadableStream({
          pull: (controller) => {
            given += 65_536;
            controller.enqueue(new Uint8Array(65_536));
            if (given >= 64 * 1_048_576) controller.close();
          },
        }),
      ),
  );
  const client = await connect();
  client.socket.pause();
  client.send(get('/'));
  let last = -1;
  await until(async () => {
    const isStill = given > 0 && given === last;
    last = given;
    await pause(50);
    return isStill;
  }, 'the stream waits');
  expect(given).toBeLessThan(32 * 1_048_576);
  client.socket.resume();
  expect((await client.readResponse()).content).toHaveLength(64 * 1_048_576);
});
