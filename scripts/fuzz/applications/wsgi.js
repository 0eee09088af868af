// A WSGI-style application for the fuzz run: `--app wsgi.js:application`.
import { checkedPort, piecesOf, plannedFailure } from './shared.js';

async function* broken() {
  yield 'half of it';
  throw plannedFailure();
}

/** Each route returns its body, or throws. */
const ROUTES = {
  '/echo': (environ) => environ['wsgi.input'].bytes(),
  '/text': (environ) => environ['wsgi.input'].text(),
  '/pass': (environ) => environ['wsgi.input'],
  '/stream': (environ) => piecesOf(environ.QUERY_STRING),
  '/taste': async (environ) => {
    await environ['wsgi.input'].read();
    return 'tasted';
  },
  '/inspect': async (environ) => {
    const { length } = await environ['wsgi.input'].bytes();
    const { trailers } = environ['wsgi.input'];
    const texts = Object.entries(environ).filter(([, value]) => typeof value === 'string');
    return JSON.stringify({ length, trailers, environ: Object.fromEntries(texts) });
  },
  '/whoami': (environ) => checkedPort(environ.QUERY_STRING, () => environ.REMOTE_PORT),
  '/ignore': () => 'ignored',
  '/throw': () => {
    throw plannedFailure();
  },
  '/breaks': broken,
};

export async function application(environ, startResponse) {
  const route = ROUTES[environ.PATH_INFO];
  const body = route === undefined ? `wsgi ${environ.PATH_INFO}\n` : await route(environ);
  const status = route !== undefined || environ.PATH_INFO === '/' ? '200 OK' : '404 Not Found';
  startResponse(status, [['Content-Type', 'text/plain; charset=utf-8']]);
  return body;
}
