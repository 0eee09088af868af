// Tests when the head of a WSGI-style application is sent or replaced, and that its resources are closed once, however
// the request ends.

import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { WsgiApplication } from '../../src/index.ts';
import { wsgi } from '../../src/wsgi.ts';
import { ask, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { type Site, startHandler } from '../support/serving.ts';
import { gate, pause, until } from '../support/until.ts';

function startApp(application: WsgiApplication): Promise<Site> {
  return startHandler(wsgi(application));
}

describe('the head', () => {
  test('is sent with the first piece that is not empty', async () => {
    const { port } = await startApp(function* (_environ, start) {
      start('200 OK', [['A', 'first']]);
      yield '';
      yield new Uint8Array(0);
      start('503 Service Unavailable', [['A', 'second']], new Error('changed my mind'));
      yield 'x';
    });
    const answer = await ask(port, get('/'));
    expect(answer).toMatchObject({ status: 503, text: 'x' });
    expect(answer.field('a')).toBe('second');
  });

  test('is not sent with an empty write', async () => {
    const { port } = await startApp((_, start) => {
      start('200 OK', [])('');
      start('404 Not Found', [], new Error('not there'));
      return 'x';
    });
    expect(await ask(port, get('/'))).toMatchObject({ status: 404, text: 'x', framing: 'length' });
  });

  test('is replaced by a second startResponse with excInfo while nothing was sent', async () => {
    const { port, errors } = await startApp((_, start) => {
      start('200 OK', [['A', 'b']]);
      try {
        throw new Error('boom');
      } catch (error) {
        start('500 Oops', [], error);
        return 'sorry';
      }
    });
    const answer = await ask(port, get('/'));
    expect(answer).toMatchObject({ status: 500, text: 'sorry' });
    expect(answer.field('a')).toBe(undefined);
    expect(errors).toEqual([]);
  });

  test('that was sent is not replaced: excInfo is thrown again, and the connection closes early', async () => {
    const { connect, errors } = await startApp((_, start) => {
      start('200 OK', [])('half');
      start('500 Oops', [], new Error('boom'));
      return 'never';
    });
    const client = await connect();
    client.send(get('/'));
    await client.closed();
    expect(client.received.toString('latin1')).not.toContain('0\r\n\r\n');
    expect(errors.splice(0)).toEqual([expect.objectContaining({ message: 'boom' })]);
  });

  test('repeats, and others in between, each with its own fields', async () => {
    let count = 0;
    const { connect } = await startApp((_, start) => {
      const number = ++count;
      start('200 OK', [
        ['X-Constant', 'c'],
        ['X-Number', String(number % 3)],
      ]);
      return '';
    });
    const client = await connect();
    for (let i = 1; i < 10; i++) {
      const answer = await client.send(get('/')).readResponse();
      expect([answer.field('x-constant'), answer.field('x-number')]).toEqual(['c', String(i % 3)]);
    }
  });
});

describe('a Node stream', () => {
  test('of text is sent as it arrives', async () => {
    const { port } = await startApp((_, start) => {
      start('200 OK', []);
      return Readable.from(['a', 'b', 'ä']);
    });
    expect(await ask(port, get('/'))).toMatchObject({ text: 'abä', framing: 'chunked' });
  });

  test('of a file is sent whole at the pace of the client, and closed', async () => {
    const content = Buffer.alloc(3_000_000, 'x');
    const path = `${await folder({ 'large.bin': content })}/large.bin`;
    const streams: Readable[] = [];
    const { connect } = await startApp((_, start) => {
      start('200 OK', [['Content-Length', String(content.length)]]);
      const stream = createReadStream(path);
      streams.push(stream);
      return stream;
    });
    const client = await connect();
    expect((await client.send(get('/')).readResponse()).content.equals(content)).toBe(true);
    await until(() => streams.every(({ closed }) => closed), 'the file is closed');
  });

  test('that is not read to its end because the client disconnected is destroyed', async () => {
    const endless = new Readable({ read: (size) => void endless.push(Buffer.alloc(size)) });
    const { connect } = await startApp((_, start) => {
      start('200 OK', []);
      return endless;
    });
    const client = await connect();
    await client.send(get('/')).readUntil('\r\n\r\n');
    client.reset();
    await until(() => endless.destroyed, 'the stream is destroyed');
  });
});

describe('close is called once', () => {
  /** A body whose next piece never comes, fails, or ends; and the number of its closes. */
  function body(next: () => Promise<IteratorResult<string>>): {
    iterable: AsyncIterable<string>;
    closed: () => number;
  } {
    let closed = 0;
    const iterable = { [Symbol.asyncIterator]: () => ({ next }), close: () => void closed++ };
    return { iterable, closed: () => closed };
  }

  test('when the client disconnects while a piece is pending that never comes', async () => {
    const { iterable, closed } = body(() => new Promise(() => {}));
    const { connect, server } = await startApp((_, start) => {
      start('200 OK', [])('head');
      return iterable;
    });
    const client = await connect();
    await client.send(get('/')).readUntil('head');
    expect(closed()).toBe(0);
    client.reset();
    await until(() => closed() > 0, 'the body is closed');
    expect(closed()).toBe(1);
    expect(server.stats().requests.aborted).toBe(1);
  });

  test('when startResponse was never called', async () => {
    const { iterable, closed } = body(async () => ({ done: false, value: 'x' }));
    const { port, errors } = await startApp(() => iterable);
    expect((await ask(port, get('/'))).status).toBe(500);
    expect(errors.splice(0)).toHaveLength(1);
    expect(closed()).toBe(1);
  });

  test('when a piece is rejected', async () => {
    const { iterable, closed } = body(async () => JSON.parse('{"done":false,"value":7}'));
    const { port, errors } = await startApp((_, start) => {
      start('200 OK', []);
      return iterable;
    });
    expect((await ask(port, get('/'))).status).toBe(500);
    expect(errors.splice(0)).toHaveLength(1);
    expect(closed()).toBe(1);
  });

  test('on an array that has one', async () => {
    let closed = 0;
    const { port } = await startApp((_, start) => {
      start('200 OK', []);
      return Object.assign(['a', 'b'], { close: () => void closed++ });
    });
    expect((await ask(port, get('/'))).text).toBe('ab');
    await until(() => closed > 0, 'the body is closed');
    expect(closed).toBe(1);
  });

  test('after the response, which its failure does not affect', async () => {
    const { port, errors } = await startApp((_, start) => {
      start('200 OK', []);
      return Object.assign(['a'], {
        close: () => {
          throw new Error('close failed');
        },
      });
    });
    expect((await ask(port, get('/'))).text).toBe('a');
    await until(() => errors.length > 0, 'the failure was reported');
    expect(errors.splice(0)).toEqual([expect.objectContaining({ message: 'close failed' })]);
  });
});

test('HEAD reads only the first piece of a body, and closes it', async () => {
  let pieces = 0;
  let closed = 0;
  const { connect } = await startApp((_, start) => {
    start('200 OK', []);
    const body = function* (): Generator<string> {
      for (;;) yield String(pieces++);
    };
    return Object.assign({ [Symbol.iterator]: body }, { close: () => void closed++ });
  });
  const client = await connect();
  const head = 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n';
  for (let i = 1; i < 3; i++) {
    expect((await client.send(head).readResponse({ head: true })).status).toBe(200);
    await until(() => closed === i, 'the body is closed');
    expect(pieces).toBe(i);
  }
});

test('a generator that waits for its client runs its finally when the client disconnects', async () => {
  const { opened, open } = gate();
  const { connect } = await startApp(async function* (_environ, start) {
    start('200 OK', []);
    try {
      for (;;) {
        yield 'x'.repeat(50_000);
        await pause(0);
      }
    } finally {
      open();
    }
  });
  const client = await connect();
  await client.send(get('/')).readUntil('\r\n\r\n');
  client.reset();
  await opened;
});

test('the signal of the environ aborts when the client disconnects', async () => {
  const { opened, open } = gate();
  const { connect } = await startApp(async (environ, start) => {
    start('200 OK', [])('x');
    environ['epoll_server.signal'].addEventListener('abort', open);
    await opened;
    return '';
  });
  const client = await connect();
  await client.send(get('/')).readUntil('\r\n\r\n');
  client.reset();
  await opened;
});
