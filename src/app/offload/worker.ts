// Runs in each worker thread: the application, with requests and responses whose connections are in the loop's thread.

import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { concurrency } from '../../adapters/concurrency.ts';
import { notAnswered } from '../../errors.ts';
import { sendError, UNAVAILABLE } from '../../http/error-response.ts';
import type { Handler } from '../../http/handler.ts';
import { handlerAt } from '../../http/handler-traits.ts';
import { isScarcity } from '../module-file.ts';
import { loadHandler } from '../module-handler.ts';
import { ModuleLoad } from '../module-load.ts';
import type { Task, ToWorker } from './messages.ts';
import { RemoteRequest } from './remote-request.ts';
import { RemoteResponse } from './remote-response.ts';
import { thrownOf } from './thrown.ts';

/**
 * The application of this thread. A load failure is not final: the thread may have started while descriptors ran out.
 */
let application: ModuleLoad | null = null;

/** The application's handler by mount path. */
const mounted = new Map<string, Handler>();

/** Runs one task: see {@link Task}. Returns the thrown value if there is no request to report it to. */
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

/** Messages that arrived before the thread received the request: the client left, or may have left. */
function waitingIn(port: MessagePort): readonly ToWorker[] {
  const waiting: ToWorker[] = [];
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    waiting.push(next.message);
  }
  return waiting;
}

function applicationOf(task: Task): ModuleLoad {
  // FILE:NAME; the path of a file may contain a colon too.
  const { application, isMultiprocess } = task;
  concurrency.isMultiprocess = isMultiprocess;
  return new ModuleLoad(
    application.slice(0, application.lastIndexOf(':')),
    () => loadHandler(task.application, { ...task, isOffloaded: true }),
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

/** Waits for the whole response. A handler that returned no promise may send it from a callback. */
async function answered(handler: Handler, request: RemoteRequest, response: RemoteResponse): Promise<void> {
  const result = handler(request, response);
  await result;
  const isPromise = typeof result?.then === 'function';
  if (isPromise && !response.started && !response.ended) throw notAnswered(handler.name);
  await response.over();
}

/** If the application cannot be loaded at the moment, a later request may succeed. */
async function loaded(load: ModuleLoad, request: RemoteRequest, response: RemoteResponse): Promise<Handler> {
  try {
    return await load.get();
  } catch (error) {
    if (isScarcity(error)) sendError(request, response, UNAVAILABLE);
    throw error;
  }
}
