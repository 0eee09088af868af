// A WSGI-style application that reads its request body as the path selects, and sends its length.
import { setTimeout as sleep } from 'node:timers/promises';

/** The number of pieces between the pauses of a slow reader. */
const PIECES_BETWEEN_PAUSES = 50;

export async function lengthOf(path, body) {
  if (path === '/bytes') return (await body.bytes()).length;
  if (path === '/text') return (await body.text()).length;
  let [pieces, length] = [0, 0];
  for await (const piece of body) {
    length += piece.length;
    if (path === '/pauses' && ++pieces % PIECES_BETWEEN_PAUSES === 0) await sleep(1);
  }
  return length;
}

export async function application(environ, startResponse) {
  const length = await lengthOf(environ.PATH_INFO, environ['wsgi.input']);
  startResponse('200 OK', [['Content-Type', 'text/plain']]);
  return String(length);
}
