// Runs an application in a pool of threads, while the loop keeps the connections.

import { MessageChannel } from 'node:worker_threads';
import { Piscina, type PiscinaTask, queueOptionsSymbol } from 'piscina';
import { concurrency } from '../../adapters/concurrency.ts';
import { EpollServerError } from '../../errors.ts';
import { problemResponse, sendError, UNAVAILABLE } from '../../http/error-response.ts';
import type { Handler } from '../../http/handler.ts';
import { withTraits } from '../../http/handler-traits.ts';
import { limitProblem } from '../../http/limit-problem.ts';
import { SERVED_BY } from '../../http/served-by.ts';
import type { AdapterName } from '../../options/choices.ts';
import { programPath } from '../../package.ts';
import { OffloadedCall } from './call.ts';
import type { Task, Thrown } from './messages.ts';
import { revived } from './thrown.ts';

export interface OffloadOptions {
  /** MODULE[:NAME], as `loadHandler` takes it: functions cannot be sent to threads. */
  readonly application: string;
  /** Threads of the pool. Each has a copy of the application and handles one request at a time. */
  readonly threads: number;
  /** Requests that may wait for a thread; further ones get 503. */
  readonly maxWaiting: number;
  readonly overrideGlobals: boolean;
  /** As in `loadHandler`. */
  readonly adapter: AdapterName | undefined;
  readonly loadTimeoutMs: number;
  /**
   * The time limit for the next message of a handler after its response began; then its thread is replaced. 0: none.
   */
  readonly offloadTimeoutMs: number;
  /** Called when a thread died while it had no request. */
  readonly onError: (error: unknown) => void;
}

/** A handler that runs in other threads. */
export interface Offloaded {
  readonly handler: Handler;
  /** Ends the threads, even while they run. */
  close(): Promise<void>;
}

/** The retry interval of a thread that could not start. */
const REFILL_MS = 1_000;

const WORKER = programPath('app/offload/worker.js');

function makePool({ threads, maxWaiting, onError }: OffloadOptions): Piscina {
  const pool = new Piscina({
    filename: WORKER,
    minThreads: threads,
    maxThreads: threads,
    maxQueue: maxWaiting,
    // A thread that waits for its next task still has to run timers and promises.
    atomics: 'disabled',
    loadBalancer: (given, workers) => {
      const idle = workers.find(({ currentUsage }) => currentUsage === 0) ?? null;
      if (idle !== null) callOf(given)?.given();
      return idle;
    },
  });
  pool.on('error', onError);
  return pool;
}

/** Loads the application in a thread of `pool`, which ends when that fails. */
async function load(pool: Piscina, task: Task): Promise<void> {
  try {
    const thrown: Thrown | null = await pool.run(task);
    if (thrown !== null) throw revived(thrown);
  } catch (error) {
    await pool.destroy();
    throw error instanceof EpollServerError ? error : refuse(task.application, error);
  }
}

/** @throws EpollServerError `ERR_APPLICATION_MODULE` when a thread cannot load the application. */
export async function offload(options: OffloadOptions): Promise<Offloaded> {
  const { application, threads, maxWaiting, overrideGlobals, adapter, loadTimeoutMs, offloadTimeoutMs } = options;
  const pool = makePool(options);
  const { isMultiprocess } = concurrency;
  const settings = { application, overrideGlobals, adapter, loadTimeoutMs, isMultiprocess };
  const task = (request: Task['request'], mountPath = ''): Task => ({ ...settings, mountPath, request });
  await load(pool, task(null));
  let isClosing = false;
  // Piscina stops replacing threads once one could not start, as when descriptors ran out. Without this, a waiting
  // request would wait for the next one.
  const refill = (): void => {
    if (!isClosing && pool.threads.length < threads) pool.run(task(null)).catch(() => {});
  };
  pool.on('workerDestroy', () => setTimeout(refill, REFILL_MS).unref());
  const isFull = (): boolean => pool.queueSize >= maxWaiting;
  const handlerFor = (mountPath: string): Handler => {
    const handler: Handler = (request, response) => {
      request.servedBy = SERVED_BY.OFFLOAD;
      // Piscina would start a thread for it that nothing ends.
      if (isClosing) return sendError(request, response, UNAVAILABLE);
      if (isFull()) {
        const problem = limitProblem('too many requests wait for a thread', 'maxOffloadQueue', maxWaiting);
        sendError(request, response, { ...UNAVAILABLE, ...problemResponse(503, problem) });
        return;
      }
      const { port1, port2 } = new MessageChannel();
      const call = new OffloadedCall(request, response, port1, offloadTimeoutMs);
      const run = (signal: AbortSignal): Promise<unknown> =>
        pool.run(
          // The symbol's property stays in this thread: it is not part of the message.
          { ...task({ head: call.head, port: port2 }, mountPath), [queueOptionsSymbol]: call },
          { transferList: [port2], signal },
        );
      // A thread that was ended here has not failed. Its request has a response or was cut off.
      return call.run(run).catch((error: unknown) => {
        if (!isClosing) throw error;
      });
    };
    return withTraits(handler, { mountedAt: handlerFor, isFull });
  };
  return {
    handler: handlerFor(''),
    close: () => {
      isClosing = true;
      return pool.destroy();
    },
  };
}

/** The call of a task; null: the task loads the application. */
function callOf(task: PiscinaTask): OffloadedCall | null {
  const call = task[queueOptionsSymbol];
  return call instanceof OffloadedCall ? call : null;
}

function refuse(application: string, cause: unknown): EpollServerError {
  return new EpollServerError('ERR_APPLICATION_MODULE', `${application} ended the thread that loaded it`, { cause });
}
