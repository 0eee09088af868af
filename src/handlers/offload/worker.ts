// What runs in each thread of the pool: the application, with a handler's view of requests whose clients are
// another thread's. It must not know the pool.

import type { Handler } from '../../http/handler.ts';
import { loadApplication } from '../application.ts';
import type { Task, ToWorker } from './messages.ts';
import { RemoteRequest } from './remote-request.ts';
import { RemoteResponse } from './remote-response.ts';
import { thrownOf } from './thrown.ts';

let application: Promise<Handler> | null = null;

/** One task: see {@link Task}. Returns what was thrown when there is no request to tell it to. */
export default async function run(task: Task): Promise<unknown> {
  application ??= loadApplication(task.application, task);
  if (task.request === null) return application.then(() => null, thrownOf);
  const { port, head } = task.request;
  port.postMessage({ type: 'began' });
  const request = new RemoteRequest(head, port);
  const response = new RemoteResponse(port);
  port.on('message', (message: ToWorker) => {
    response.receive(message);
    request.receive(message);
  });
  port.postMessage({ type: 'done', thrown: await outcome(await application, request, response) });
  return null;
}

async function outcome(handler: Handler, request: RemoteRequest, response: RemoteResponse): Promise<unknown> {
  try {
    await handler(request, response);
    return null;
  } catch (error) {
    return thrownOf(error);
  }
}
