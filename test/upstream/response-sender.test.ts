// Tests what a response of an upstream holds while its client is slow, and that nothing of it is left at the end.

import { EventEmitter, once } from 'node:events';
import { expect, test } from 'vitest';
import type { HttpResponse } from '../../src/http/handler.ts';
import { ResponseSender } from '../../src/upstream/response-sender.ts';
import { SpoolSpace } from '../../src/upstream/spool-space.ts';
import { collect } from '../support/collect.ts';
import { until } from '../support/until.ts';

const PIECE = Buffer.alloc(65_536, 'x');
const MOST_UNSENT_BYTES = 32_768;

/** A response whose client takes nothing until it is released. */
class HeldResponse implements Required<Omit<HttpResponse, 'verbatim'>> {
  started = false;
  ended = false;
  reasonPhrase: string | undefined = undefined;
  isHeld = true;
  unsentBytes = 0;
  sentBytes = 0;
  readonly #events = new EventEmitter();

  start(): void {
    this.started = true;
  }

  write(content: string | Uint8Array): boolean {
    this.unsentBytes += content.length;
    return this.unsentBytes < MOST_UNSENT_BYTES;
  }

  flush(): Promise<void> | null {
    return this.isHeld ? this.drained() : this.#send();
  }

  async drained(): Promise<void> {
    await once(this.#events, 'sent');
  }

  #send(): null {
    this.sentBytes += this.unsentBytes;
    this.unsentBytes = 0;
    return null;
  }

  /** The client takes everything from now on. */
  release(): void {
    this.isHeld = false;
    this.#send();
    this.#events.emit('sent');
  }

  end(): void {
    this.flush();
    this.ended = true;
  }

  send(): void {}
  inform(): void {}
  writeFile(): void {}
  whenSent(): void {}
  upgrade(): void {}
  abort(): void {}
}

function started(): { response: HeldResponse; space: SpoolSpace; sender: ResponseSender; rooms: true[] } {
  const response = new HeldResponse();
  const space = new SpoolSpace(64 * PIECE.length);
  const rooms: true[] = [];
  const lostContent = (error: unknown): void => expect.unreachable(String(error));
  const sender = new ResponseSender(response, space, { roomForMore: () => rooms.push(true), lostContent });
  sender.begin(200, {}, -1);
  return { response, space, sender, rooms };
}

test('for a slow client, 32 KiB of a response wait in memory, and the rest in the file', async () => {
  const { response, space, sender } = started();
  // A first piece that is no multiple of those that follow.
  sender.write(PIECE, 0, 20_000);
  sender.write(PIECE, 0, PIECE.length);
  sender.end();
  expect(response.unsentBytes).toBe(MOST_UNSENT_BYTES);
  expect(space.usedBytes).toBe(PIECE.length + 20_000 - MOST_UNSENT_BYTES);
  response.release();
  await until(() => response.ended, 'everything is sent');
  expect([response.sentBytes, space.usedBytes]).toEqual([PIECE.length + 20_000, 0]);
});

test('the last bytes of a response go to the file too, although they are few', async () => {
  const { response, space, sender, rooms } = started();
  sender.write(PIECE, 0, PIECE.length);
  await until(() => rooms.length > 0, 'the first of them are in the file');
  sender.write(PIECE, 0, 100);
  sender.end();
  await until(() => space.usedBytes === PIECE.length + 100 - MOST_UNSENT_BYTES, 'all of it is in the file');
  response.release();
  await until(() => response.ended, 'everything is sent');
  expect(response.sentBytes).toBe(PIECE.length + 100);
});

test('a client that catches up before the response ends leaves no temporary file', async () => {
  const { response, space, sender } = started();
  sender.write(PIECE, 0, PIECE.length);
  expect(space.usedBytes).toBeGreaterThan(0);
  response.release();
  await until(() => response.sentBytes === PIECE.length, 'the client has caught up');
  await new Promise(setImmediate);
  sender.write(PIECE, 0, PIECE.length);
  sender.end();
  expect([response.ended, response.sentBytes, space.usedBytes]).toEqual([true, 2 * PIECE.length, 0]);
});

test('while a response waits for its client, its fields do not stay in memory', async () => {
  const response = new HeldResponse();
  const lostContent = (error: unknown): void => expect.unreachable(String(error));
  const sender = new ResponseSender(response, new SpoolSpace(64 * PIECE.length), {
    roomForMore: () => {},
    lostContent,
  });
  const begin = (): WeakRef<object> => {
    const fields = { 'X-Own': 'value' };
    sender.begin(200, fields, -1);
    return new WeakRef(fields);
  };
  const fields = begin();
  sender.write(PIECE, 0, PIECE.length);
  await until(() => {
    collect();
    return fields.deref() === undefined;
  }, 'the fields are gone');
  expect(response.unsentBytes).toBe(MOST_UNSENT_BYTES);
  sender.close();
});
