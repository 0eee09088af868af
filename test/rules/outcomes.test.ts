// Tests that rules leave open how an application responds: at once, by a promise, or from a callback; and that its
// failures are reported in each place.

import type { RequestListener } from 'node:http';
import { hashSync } from 'bcryptjs';
import { afterEach, expect, test, vi } from 'vitest';
import { nodeApplication } from '../../src/adapters/node/application.ts';
import type { Handler } from '../../src/index.ts';
import { WatchedFile } from '../../src/rules/watched-file.ts';
import { ask, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { startHandler } from '../support/serving.ts';

afterEach(() => vi.restoreAllMocks());

const statusOf = (path: string): number => (path === '/found' ? 200 : 404);

/** An application that responds after its handler has returned. */
const late: Handler = ({ path }, response) => void setImmediate(() => response.send(statusOf(path), {}, path));

const lateListener: RequestListener = ({ url = '' }, response) => {
  setImmediate(() => response.writeHead(statusOf(url)).end(url));
};

const APPLICATIONS: readonly (readonly [string, () => Handler | Promise<Handler>])[] = [
  ['a raw handler', () => late],
  ['node:http', () => nodeApplication(lateListener)],
];

const AUTHORIZATION = `Authorization: Basic ${Buffer.from('joe:a').toString('base64')}`;

test.each(APPLICATIONS)('an application that responds from a callback: %s', async (_name, handler) => {
  const root = await folder({ users: `joe:${hashSync('a', 4)}\n`, 'page.html': 'a page', 'site/a.txt': 'a' });
  // The files of rules are looked at in each request.
  vi.spyOn(WatchedFile.prototype, 'whenFresh').mockImplementation(async () => {});
  for (const [rules, target, status] of [
    [{ auth: `/** ${root}/users` }, '/found', 200],
    [{ errorPages: `404 ${root}/page.html` }, '/lost', 404],
    [{ maintenance: `${root}/none` }, '/found', 200],
    [{ rewrites: '/** -> /found if-missing' }, '/lost', 200],
    [{ rewrites: '/** -> /found if-missing', auth: `/found ${root}/users` }, '/lost', 200],
    [{ siteFiles: true }, '/found', 200],
  ] as const) {
    const files = 'siteFiles' in rules ? { static: `${root}/site` } : {};
    const { port } = await startHandler(await handler(), { rules, ...files });
    for (let time = 0; time < 2; time++) {
      expect((await ask(port, get(target, AUTHORIZATION))).status, JSON.stringify(rules)).toBe(status);
    }
  }
});

test.each([
  ['at once', (): never => fail()],
  ['later', async (): Promise<void> => fail()],
  ['never', (): Promise<void> => new Promise(() => {})],
] as const)('a failure in place of a missing path is reported: the first response fails %s', async (_when, first) => {
  const failing: Handler = ({ path }, response) => {
    if (path === '/found') throw new Error('the second defect');
    response.send(404);
    return first();
  };
  const { port, errors } = await startHandler(failing, { rules: { rewrites: '/** -> /found if-missing' } });
  expect((await ask(port, get('/lost'))).status).toBe(500);
  expect(errors.splice(0).map(String)).toContain('Error: the second defect');
});

function fail(): never {
  throw new Error('the first defect');
}

test.each([
  ['at once', (): never => fail()],
  ['later', async (): Promise<void> => fail()],
] as const)('a failure after a dropped 404 is reported when the other response was sent: %s', async (_when, first) => {
  const failing: Handler = ({ path }, response) => {
    if (path === '/found') return void setImmediate(() => response.send(200, {}, path));
    response.send(404);
    return first();
  };
  const { port, errors } = await startHandler(failing, { rules: { rewrites: '/** -> /found if-missing' } });
  expect((await ask(port, get('/lost'))).text).toBe('/found');
  await expect.poll(() => errors.map(String)).toEqual(['Error: the first defect']);
  errors.splice(0);
});
