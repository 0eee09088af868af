// Tests cross-origin requests against the algorithms of the Fetch standard: what a browser would conclude from the
// responses ("CORS check" and "CORS-preflight fetch").

import { describe, expect, test } from 'vitest';
import type { Handler, ServeOptions } from '../../src/index.ts';
import { ask, get } from '../support/client.ts';
import type { Answer } from '../support/response.ts';
import { startHandler } from '../support/serving.ts';

type Cors = NonNullable<ServeOptions['rules']>['cors'];

/** What a script wants to send. */
interface Wish {
  readonly origin: string;
  readonly method?: string;
  /** Names in lower case, beyond the safelisted ones. */
  readonly headers?: readonly string[];
  readonly credentials?: boolean;
}

const SIMPLE = ['GET', 'HEAD', 'POST'];

const application: Handler = (request, response) =>
  response.send(200, {
    Vary: 'Accept',
    'Access-Control-Allow-Origin': 'https://own.example',
    'X-Seen': request.method,
  });

/** "CORS check" of the Fetch standard. */
function passesCorsCheck(answer: Answer, { origin, credentials = false }: Wish): boolean {
  const allowed = answer.fields.filter(([name]) => name.toLowerCase() === 'access-control-allow-origin');
  if (allowed.length !== 1) return false;
  const [[, value = ''] = []] = allowed;
  if (!credentials && value === '*') return true;
  if (value !== origin) return false;
  return !credentials || answer.field('access-control-allow-credentials') === 'true';
}

function listOf(answer: Answer, name: string): readonly string[] {
  return (answer.field(name) ?? '').split(',').flatMap((each) => each.trim() || []);
}

/** "CORS-preflight fetch", from the step behind the response. */
function passesPreflight(answer: Answer, wish: Wish): boolean {
  const { method = 'GET', headers = [], credentials = false } = wish;
  if (!passesCorsCheck(answer, wish) || answer.status < 200 || answer.status > 299) return false;
  const methods = listOf(answer, 'access-control-allow-methods');
  const names = listOf(answer, 'access-control-allow-headers').map((name) => name.toLowerCase());
  const allowsMethod = methods.includes(method) || SIMPLE.includes(method) || (!credentials && methods.includes('*'));
  return allowsMethod && headers.every((name) => names.includes(name));
}

/** Whether the script gets the response. */
async function reads(port: number, wish: Wish): Promise<boolean> {
  const { origin, method = 'GET', headers = [] } = wish;
  if (!SIMPLE.includes(method) || headers.length > 0) {
    const lines = [`Origin: ${origin}`, `Access-Control-Request-Method: ${method}`];
    if (headers.length > 0) lines.push(`Access-Control-Request-Headers: ${headers.join(',')}`);
    const preflight = await ask(port, get('/', ...lines).replace('GET', 'OPTIONS'));
    expect(preflight.field('x-seen'), 'the application does not see preflight requests').toBeUndefined();
    if (!passesPreflight(preflight, wish)) return false;
  }
  const text = get('/', `Origin: ${origin}`, 'Content-Length: 0').replace('GET', method);
  const answer = await ask(port, text, { head: method === 'HEAD' });
  expect(answer.field('x-seen')).toBe(method);
  return passesCorsCheck(answer, wish);
}

const LISTED: Cors = {
  origins: ['https://a.example', 'https://*.b.example:8443'],
  credentials: true,
  headers: 'x-key',
};

describe.each<readonly [string, Cors, readonly (readonly [Wish, boolean])[]]>([
  [
    'one word',
    true,
    [
      [{ origin: 'https://any.example' }, true],
      [{ origin: 'null' }, true],
      [{ origin: 'https://any.example', method: 'PUT', headers: ['x-key', 'content-type'] }, true],
      [{ origin: 'https://any.example', method: 'PROPFIND' }, false],
      [{ origin: 'https://any.example', credentials: true }, false],
    ],
  ],
  [
    'listed origins with credentials',
    LISTED,
    [
      [{ origin: 'https://a.example', credentials: true }, true],
      [{ origin: 'https://x.b.example:8443', credentials: true, method: 'DELETE', headers: ['x-key'] }, true],
      [{ origin: 'https://x.y.b.example:8443' }, true],
      [{ origin: 'https://b.example:8443' }, false],
      [{ origin: 'https://x.b.example' }, false],
      [{ origin: 'http://a.example' }, false],
      [{ origin: 'https://a.example.evil.example' }, false],
      [{ origin: 'https://evil.example/.b.example:8443' }, false],
      [{ origin: 'null' }, false],
      [{ origin: 'https://a.example', headers: ['x-other'] }, false],
    ],
  ],
  [
    'text',
    '/** from https://a.example headers x-key credentials',
    [
      [{ origin: 'https://a.example', credentials: true, method: 'PATCH', headers: ['x-key'] }, true],
      [{ origin: 'https://b.example' }, false],
      [{ origin: 'https://a.example', headers: ['x-other'] }, false],
    ],
  ],
  ['listed methods', { methods: ['GET'] }, [[{ origin: 'https://a.example', method: 'PUT' }, false]]],
  ['a list with null', { origins: 'null' }, [[{ origin: 'null' }, true]]],
  [
    'the first rule that matches',
    [{ pattern: '/', origins: 'https://a.example' }, {}],
    [[{ origin: 'https://b.example' }, false]],
  ],
  ['another path', { pattern: '/other' }, [[{ origin: 'https://a.example' }, false]]],
])('%s', (_name, cors, wishes) => {
  test('scripts get what the rule allows, and nothing else', async () => {
    const { port } = await startHandler(application, { rules: { cors } });
    for (const [wish, isAllowed] of wishes) {
      const isPreflighted = wish.method !== undefined || wish.headers !== undefined;
      if (cors !== true && isPreflighted && JSON.stringify(cors).includes('/other')) continue;
      expect(await reads(port, wish), JSON.stringify(wish)).toBe(isAllowed);
    }
  });
});

test('caches keep the responses for different origins apart', async () => {
  const { port } = await startHandler(application, { rules: { cors: { origins: 'https://a.example' } } });
  for (const lines of [[], ['Origin: https://a.example'], ['Origin: https://b.example']]) {
    expect((await ask(port, get('/', ...lines))).field('vary')).toBe('Accept, Origin');
  }
});

test('fields that scripts may read, and the time for which a preflight holds', async () => {
  const cors = { expose: ['X-Seen', 'ETag'], maxAge: 60 };
  const { port } = await startHandler(application, { rules: { cors } });
  expect((await ask(port, get('/'))).field('access-control-expose-headers')).toBe('X-Seen, ETag');
  const lines = ['Origin: https://a.example', 'Access-Control-Request-Method: PUT'];
  const preflight = await ask(port, get('/', ...lines).replace('GET', 'OPTIONS'));
  expect([preflight.status, preflight.field('access-control-max-age')]).toEqual([204, '60']);
  const plain = await ask(port, get('/', 'Origin: https://a.example').replace('GET', 'OPTIONS'));
  expect(plain.field('x-seen'), 'not a preflight request').toBe('OPTIONS');
});

test.each([
  [{ credentials: true }, 'a list of origins when credentials'],
  [{ credentials: true, origins: ['https://a.example', 'null'] }, 'a list of origins when credentials'],
  [{ credentials: true, origins: 'https://a.example', headers: '*' }, 'names instead of "\\*"'],
  [{ credentials: true, origins: 'https://a.example', methods: ['GET', '*'] }, 'names instead of "\\*"'],
  [{ origins: [] }, 'with origins'],
  ['/a from', 'of the form'],
  ['/a /b', 'of the form'],
  ['from https://a.example from https://b.example', 'of the form'],
  ['/a max-age 1.5', 'a max-age from 0'],
  ['/a max-age 86401', 'a max-age from 0'],
  [{ origins: ['*', 'https://a.example'] }, 'not both'],
  [{ origins: 'https://a.example/path' }, 'without a path'],
  [{ origins: 'a.example' }, 'origins such as'],
  [{ methods: ['GET POST;'] }, 'valid methods'],
  [{ headers: 'x key:' }, 'valid field names'],
])('refused: %j', async (cors, why) => {
  await expect(startHandler(application, { rules: { cors } })).rejects.toThrow(
    new RegExp(`^rules.cors must be .*${why}`),
  );
});
