// Tests which calls reach the wrapped response, and which do not after the head was dropped.

import { expect, test } from 'vitest';
import { FilteredResponse } from '../../src/http/filtered-response.ts';
import type { HttpResponse } from '../../src/http/handler.ts';

/** A response that records each call. */
class NotedResponse implements HttpResponse {
  readonly calls: (readonly unknown[])[] = [];
  started = false;
  ended = false;
  #reason: string | undefined = undefined;

  get reasonPhrase(): string | undefined {
    return this.#reason;
  }

  set reasonPhrase(text: string | undefined) {
    this.#reason = text;
  }

  inform(...args: readonly unknown[]): void {
    this.#note('inform', args);
  }

  send(...args: readonly unknown[]): void {
    this.#note('send', args);
    this.started = true;
    this.ended = true;
  }

  start(...args: readonly unknown[]): void {
    this.#note('start', args);
    this.started = true;
  }

  write(...args: readonly unknown[]): boolean {
    this.#note('write', args);
    return false;
  }

  async drained(...args: readonly unknown[]): Promise<void> {
    this.#note('drained', args);
  }

  writeFile(...args: readonly unknown[]): void {
    this.#note('writeFile', args);
  }

  end(...args: readonly unknown[]): void {
    this.#note('end', args);
  }

  whenSent(...args: readonly unknown[]): void {
    this.#note('whenSent', args);
  }

  upgrade(...args: readonly unknown[]): void {
    this.#note('upgrade', args);
  }

  abort(...args: readonly unknown[]): void {
    this.#note('abort', args);
  }

  #note(name: string, args: readonly unknown[]): void {
    this.calls.push([name, ...args]);
  }
}

const onSent = (): void => {};
const makeProtocol = (): never => {
  throw new Error('no connection changes its protocol here');
};

/** Calls all methods except `send` and `start`; returns their results, and the argument of the receipt. */
async function callRest(response: HttpResponse): Promise<readonly unknown[]> {
  const counts: number[] = [];
  const receipt = { onSent: (count: number): void => void counts.push(count) };
  response.inform(103, { Link: 'a' });
  const results = [response.write('a'), await response.drained()];
  response.writeFile(3, 4, 5, receipt);
  response.end('b', { 'X-Trailer': 'c' });
  response.whenSent(onSent);
  response.upgrade({ Upgrade: 'echo' }, makeProtocol);
  response.abort();
  return [...results, ...counts];
}

test('all calls reach the wrapped response, the head as the filter returned it', async () => {
  const target = new NotedResponse();
  const response = new FilteredResponse(target, (status) => ({ 'X-Status': status }));
  expect([response.started, response.ended]).toEqual([false, false]);
  response.start(404, { 'X-Own': 'a' });
  expect([response.started, response.ended]).toEqual([true, false]);
  expect(await callRest(response)).toEqual([false, undefined]);
  expect(target.calls).toEqual([
    ['start', 404, { 'X-Status': 404 }],
    ['inform', 103, { Link: 'a' }],
    ['write', 'a'],
    ['drained'],
    ['writeFile', 3, 4, 5, { onSent: expect.any(Function) }],
    ['end', 'b', { 'X-Trailer': 'c' }],
    ['whenSent', onSent],
    ['upgrade', { Upgrade: 'echo' }, makeProtocol],
    ['abort'],
  ]);
});

test('the reason phrase is passed on or dropped with its head', () => {
  const target = new NotedResponse();
  const seen: (string | undefined)[] = [];
  const filtered = (filter: null | object): FilteredResponse =>
    new FilteredResponse(target, () => {
      seen.push(target.reasonPhrase);
      return filter === null ? null : {};
    });
  const dropped = filtered(null);
  dropped.reasonPhrase = 'Dropped';
  dropped.send(404);
  dropped.reasonPhrase = 'Late';
  expect([target.reasonPhrase, dropped.reasonPhrase]).toEqual([undefined, undefined]);
  const kept = filtered({});
  kept.reasonPhrase = 'Kept';
  kept.send(200);
  expect([target.reasonPhrase, kept.reasonPhrase, seen]).toEqual(['Kept', 'Kept', [undefined, undefined]]);
});

test.each(['send', 'start'] as const)('no call reaches it after the head of %s was dropped', async (call) => {
  const target = new NotedResponse();
  let heads = 0;
  const response = new FilteredResponse(target, () => {
    heads++;
    return null;
  });
  response[call](404, {});
  expect([response.started, response.ended]).toEqual([true, true]);
  expect(await callRest(response)).toEqual([true, undefined, 0]);
  response.send(200, {}, 'again');
  response.start(200, {});
  expect(target.calls, 'but for the end of the response that took its place').toEqual([['whenSent', onSent]]);
  expect(heads).toBe(1);
});

test('a second head is not filtered: the wrapped response rejects it', () => {
  const target = new NotedResponse();
  const response = new FilteredResponse(target, (status) => (status === 404 ? null : {}));
  response.send(200, { 'X-Own': 'a' }, 'b');
  response.send(404, { 'X-Own': 'a' }, 'c');
  expect(target.calls).toEqual([
    ['send', 200, {}, 'b'],
    ['send', 404, { 'X-Own': 'a' }, 'c'],
  ]);
});
