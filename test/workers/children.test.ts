// Tests how a parent asks its children what they have counted: without collecting anything while they live, and each child
// counted once, also when it ends or its group is replaced meanwhile.

import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Snapshot } from '../../src/admin/snapshot.ts';
import { EpollServerError } from '../../src/errors.ts';
import type { Child } from '../../src/workers/child.ts';
import { startProcess } from '../../src/workers/child-process.ts';
import { Generations } from '../../src/workers/generations.ts';
import { WorkerGroup } from '../../src/workers/worker-group.ts';

const PROGRAM = fileURLToPath(new URL('programs/child.mjs', import.meta.url));
const NEVER_MS = 86_400_000;

async function startChild(): Promise<Child> {
  const { argv, execArgv } = process;
  process.argv = [process.execPath, PROGRAM];
  process.execArgv = [];
  const child = startProcess({ kind: 'listeners', addresses: [] }, []);
  Object.assign(process, { argv, execArgv });
  onTestFinished(async () => {
    child.kill();
    await child.ended;
  });
  await child.started;
  return child;
}

test('asking a process over and over leaves nothing behind', async () => {
  const child = await startChild();
  const then = vi.spyOn(child.ended, 'then');
  for (let i = 0; i < 10; i++) expect(await child.ask(NEVER_MS)).toBe(true);
  expect(then).not.toHaveBeenCalled();
});

test('a process that ends gives no answer, at once', async () => {
  const child = await startChild();
  const asked = child.ask(NEVER_MS);
  child.kill();
  expect([true, false]).toContain(await asked);
  await child.ended;
  expect(await child.ask(NEVER_MS)).toBe(false);
});

/** Only the counter of handled requests matters here. */
function counted(handled: number): Snapshot {
  const snapshot = {
    counters: { requests: { handled, failed: 0, aborted: 0 } },
    gauges: { serving: 1, full: 0 },
  };
  // The sum works on trees of numbers of any shape.
  return snapshot as unknown as Snapshot;
}

/** A child whose answers and end the test decides. */
class FakeChild implements Child {
  readonly name = 'fake';
  readonly started: Promise<void> = Promise.resolve();
  readonly ended: Promise<string>;
  readonly cutOff = 0;
  readonly snapshot: Snapshot;
  end: () => void = () => {};
  answer: (isAnswered: boolean) => void = () => {};
  readonly #isSlow: boolean;

  constructor(handled: number, isSlow = false) {
    this.snapshot = counted(handled);
    this.#isSlow = isSlow;
    this.ended = new Promise((resolve) => {
      this.end = () => resolve('exit code 0');
    });
  }

  ask(): Promise<boolean> {
    if (!this.#isSlow) return Promise.resolve(true);
    return new Promise((resolve) => {
      this.answer = resolve;
    });
  }

  stop(): void {
    this.end();
  }

  retire(): void {}

  reopenLogs(): void {}

  kill(): void {
    this.end();
  }
}

/** Lets all promises settle that can. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

test('a child that ends while another one has not answered yet is counted once', async () => {
  const [quick, slow] = [new FakeChild(5), new FakeChild(7, true)];
  const group = new WorkerGroup(2);
  group.join(quick);
  group.join(slow);
  await settled();
  const asked = group.ask();
  await settled();
  quick.end();
  await settled();
  slow.answer(true);
  await asked;
  expect(group.snapshot?.counters.requests.handled).toBe(12);
  expect(group.snapshot?.gauges.serving).toBe(1);
});

test('a group that is gone while the next one has not answered yet is counted once', async () => {
  const children = [new FakeChild(5), new FakeChild(7, true)];
  const all = [...children];
  const generations = new Generations({
    launch: { start: () => all.shift() ?? new FakeChild(0), close: async () => {} },
    count: 1,
    limitMs: NEVER_MS,
    hangTimeoutMs: 0,
  });
  await generations.begin();
  const write = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  onTestFinished(() => write.mockRestore());
  await generations.renew('reload');
  const asked = generations.snapshot();
  await settled();
  children[0]?.end();
  await settled();
  children[1]?.answer(true);
  expect((await asked)?.counters.requests.handled).toBe(12);
  for (const child of children) child.end();
});

test('what the workers of a group that failed to start have counted stays counted', async () => {
  const [old, first, second] = [new FakeChild(5), new FakeChild(7), new FakeChild(0)];
  Object.assign(second, { started: Promise.reject(new Error('exit code 1')) });
  const all = [old, new FakeChild(0), first, second];
  const generations = new Generations({
    launch: { start: () => all.shift() ?? new FakeChild(0), close: async () => {} },
    count: 2,
    limitMs: NEVER_MS,
    hangTimeoutMs: 0,
  });
  await generations.begin();
  const write = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  onTestFinished(() => write.mockRestore());
  second.end();
  await generations.renew('reload');
  expect((await generations.snapshot())?.counters.requests.handled).toBe(12);
});

test.each([false, true])(
  'a group does not wait for a child that hangs while it starts (replaced: %s)',
  async (isReplaced) => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const [begun, hung] = [new FakeChild(0), new FakeChild(0)];
    Object.assign(hung, { started: new Promise(() => {}) });
    Object.assign(begun, { retire: () => begun.end() });
    const group = new WorkerGroup(2);
    const all = [begun, hung];
    await group.keepFull(() => all.shift() ?? new FakeChild(0), true);
    await group.stop(NEVER_MS, isReplaced);
    expect(group.cutOff).toBe(0);
  },
);

test('a child that starts for long is killed only if it does not answer meanwhile', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const [slow, hung] = [new FakeChild(0), new FakeChild(0)];
  for (const child of [slow, hung]) {
    const started = child.ended.then((how) => Promise.reject(new Error(how)));
    Object.assign(child, { started, kill: vi.fn(() => child.end()) });
  }
  Object.assign(hung, { ask: () => Promise.resolve(false) });
  const failed = new WorkerGroup(1, 1_000).keepFull(() => hung).catch((error: unknown) => error);
  void new WorkerGroup(1, 1_000).keepFull(() => slow).catch(() => {});
  await vi.advanceTimersByTimeAsync(10_000);
  expect(slow.kill).not.toHaveBeenCalled();
  expect(hung.kill).toHaveBeenCalledOnce();
  expect(await failed).toMatchObject({
    message: 'fake did not start: it did not answer for 1000 ms, and was killed',
    exitCode: null,
  });
  slow.end();
});

test('a group that is stopped when its first child has just started starts no other', async () => {
  const child = new FakeChild(0);
  let begin = (): void => {};
  const started = new Promise<void>((resolve) => {
    begin = resolve;
  });
  Object.assign(child, { started, stop: () => {} });
  const start = vi.fn(() => child);
  const group = new WorkerGroup(2);
  const begun = group.keepFull(start).catch((error: unknown) => error);
  const stopped = group.stop(NEVER_MS);
  begin();
  await settled();
  child.end();
  await stopped;
  expect(await begun).toMatchObject({ message: 'fake did not start: it was stopped' });
  expect(start).toHaveBeenCalledOnce();
});

/** Generations of one child each, which `next` makes. */
function generationsOf(next: () => Child): Generations {
  const write = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  onTestFinished(() => write.mockRestore());
  const launch = { start: next, close: async () => {} };
  return new Generations({ launch, count: 1, limitMs: NEVER_MS, hangTimeoutMs: 0 });
}

test('groups that are being replaced end with the one that serves', async () => {
  const generations = generationsOf(() => new FakeChild(0));
  await generations.begin();
  await generations.renew('reload');
  // The first child does not end by itself.
  await generations.stop(0);
});

test('a reload while another one waits for resources starts no second group beside it', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const waiting = new FakeChild(0);
  Object.assign(waiting, { started: waiting.ended.then((how) => Promise.reject(new Error(how))) });
  const refuse = (): Child => {
    throw new EpollServerError('ERR_WORKER', 'no process');
  };
  const start = vi.fn<() => Child>(() => waiting);
  start.mockReturnValueOnce(new FakeChild(0)).mockImplementationOnce(refuse);
  const generations = generationsOf(start);
  await generations.begin();
  void generations.renew('first');
  await vi.advanceTimersByTimeAsync(1);
  void generations.renew('second');
  await vi.advanceTimersByTimeAsync(NEVER_MS);
  expect(start).toHaveBeenCalledTimes(3);
  await generations.stop(0);
});
