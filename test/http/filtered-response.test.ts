// A response in front of another one: what reaches that one, and what does not once the head was dropped.

import { expect, test } from 'vitest';
import { FilteredResponse } from '../../src/http/filtered-response.ts';
import type { HttpResponse } from '../../src/http/handler.ts';

/** A response that writes down each call. */
class NotedResponse implements HttpResponse {
  readonly calls: (readonly unknown[])[] = [];
  started = false;
  ended = false;

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

  whenDrained(...args: readonly unknown[]): boolean {
    this.#note('whenDrained', args);
    return true;
  }

  writeFile(...args: readonly unknown[]): void {
    this.#note('writeFile', args);
  }

  end(...args: readonly unknown[]): void {
    this.#note('end', args);
  }

  abort(...args: readonly unknown[]): void {
    this.#note('abort', args);
  }

  #note(name: string, args: readonly unknown[]): void {
    this.calls.push([name, ...args]);
  }
}

const onDrained = (): void => {};

/** Calls everything but `send` and `start`; returns what those calls returned, and what the receipt was told. */
async function callRest(response: HttpResponse): Promise<readonly unknown[]> {
  const taken: number[] = [];
  const receipt = { taken: (count: number): void => void taken.push(count) };
  const results = [response.write('a'), await response.drained(), response.whenDrained(onDrained)];
  response.writeFile(3, 4, 5, receipt);
  response.end('b');
  response.abort();
  return [...results, ...taken];
}

test('all calls reach the other response, the head as the filter returned it', async () => {
  const target = new NotedResponse();
  const response = new FilteredResponse(target, (status) => ({ 'X-Status': status }));
  expect([response.started, response.ended]).toEqual([false, false]);
  response.start(404, { 'X-Own': 'a' });
  expect([response.started, response.ended]).toEqual([true, false]);
  expect(await callRest(response)).toEqual([false, undefined, true]);
  expect(target.calls.slice(0, 4)).toEqual([
    ['start', 404, { 'X-Status': 404 }],
    ['write', 'a'],
    ['drained'],
    ['whenDrained', onDrained],
  ]);
  expect(target.calls.slice(4)).toEqual([
    ['writeFile', 3, 4, 5, { taken: expect.any(Function) }],
    ['end', 'b'],
    ['abort'],
  ]);
});

test.each(['send', 'start'] as const)('nothing reaches it once the head of %s was dropped', async (call) => {
  const target = new NotedResponse();
  let heads = 0;
  const response = new FilteredResponse(target, () => {
    heads++;
    return null;
  });
  response[call](404, {});
  expect([response.started, response.ended]).toEqual([true, true]);
  expect(await callRest(response)).toEqual([true, undefined, false, 0]);
  response.send(200, {}, 'again');
  response.start(200, {});
  expect(target.calls).toEqual([]);
  expect(heads).toBe(1);
});

test('a second head is not filtered: the other response refuses it', () => {
  const target = new NotedResponse();
  const response = new FilteredResponse(target, (status) => (status === 404 ? null : {}));
  response.send(200, { 'X-Own': 'a' }, 'b');
  response.send(404, { 'X-Own': 'a' }, 'c');
  expect(target.calls).toEqual([
    ['send', 200, {}, 'b'],
    ['send', 404, { 'X-Own': 'a' }, 'c'],
  ]);
});
