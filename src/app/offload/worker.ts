// What runs in each thread of the pool: the application, with a handler's view of requests whose clients are
// another thread's. It must not know the pool.

import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { concurrency } from '../../adapters/concurrency.ts';
import { notAnswered } from '../../errors.ts';
import { sendError, UNAVAILABLE } from '../../http/error-answer.ts';
import type { Handler } from '../../http/handler.ts';
import { handlerAt } from '../../http/handler-traits.ts';
import { isScarcity } from '../module-file.ts';
import { loadHandler } from '../module-handler.ts';
import { ModuleLoad } from '../module-load.ts';
import type { Task, ToWorker } from './messages.ts';
import { RemoteRequest } from './remote-request.ts';
import { RemoteResponse } from './remote-response.ts';
import { thrownOf } from './thrown.ts';

/** Of this thread. A failure is not final: the thread may have begun while descriptors ran out. */
let application: ModuleLoad | null = null;

/** The application's handler by the path that it is mounted at. */
const mounted = new Map<string, Handler>();

/** One task: see {@link Task}. Returns what was thrown when there is no request to tell it to. */
export default async function run(task: Task): Promise<unknown> {
  application ??= applicationOf(task);
  if (task.request === null) return application.get().then(() => null, thrownOf);
  const { port, head } = task.request;
  const early = waitingIn(port);
  if (early.some(({ type }) => type === 'gone')) {
    port.postMessage({ type: 'done', thrown: null });
    return null;
  }
  const request = new RemoteRequest(head, port);
  const response = new RemoteResponse(port, request);
  const receive = (message: ToWorker): void => {
    response.receive(message);
    request.receive(message);
  };
  early.forEach(receive);
  port.on('message', receive);
  port.on('close', () => response.portClosed());
  const done = { type: 'done', thrown: await outcome(application, task.mountPath, request, response) };
  port.postMessage(done);
  return null;
}

/** What came before the thread had the request: the client left, or may have. */
function waitingIn(port: MessagePort): readonly ToWorker[] {
  const waiting: ToWorker[] = [];
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    waiting.push(next.message);
  }
  return waiting;
}

function applicationOf(task: Task): ModuleLoad {
  // FILE:NAME, and a colon may stand in the path of a file.
  const { application, isMultiprocess } = task;
  concurrency.isMultiprocess = isMultiprocess;
  return new ModuleLoad(
    application.slice(0, application.lastIndexOf(':')),
    () => loadHandler(task.application, task),
    () => performance.now(),
  );
}

async function outcome(
  load: ModuleLoad,
  mountPath: string,
  request: RemoteRequest,
  response: RemoteResponse,
): Promise<unknown> {
  try {
    const handler = await loaded(load, request, response);
    await answered(mountedAt(mountPath, handler), request, response);
    return null;
  } catch (error) {
    return thrownOf(error);
  }
}

function mountedAt(path: string, handler: Handler): Handler {
  const known = mounted.get(path);
  if (known !== undefined) return known;
  const made = handlerAt(path, handler);
  mounted.set(path, made);
  return made;
}

/** Waits for the whole answer: of a handler that returned no promise, it may come from a callback. */
async function answered(handler: Handler, request: RemoteRequest, response: RemoteResponse): Promise<void> {
  const result = handler(request, response);
  await result;
  const isPromise = typeof result?.then === 'function';
  if (isPromise && !response.started && !response.ended) throw notAnswered(handler.name);
  await response.over();
}

/** A client whose application cannot be loaded at the moment may come again. */
async function loaded(load: ModuleLoad, request: RemoteRequest, response: RemoteResponse): Promise<Handler> {
  try {
    return await load.get();
  } catch (error) {
    if (isScarcity(error)) sendError(request, response, UNAVAILABLE);
    throw error;
  }
}
