// Tests that a server with rules of all kinds conforms as one without: cases of the table, against files and an
// application behind rules that match every request.

import { hashSync } from 'bcryptjs';
import { expect, test } from 'vitest';
import type { Handler } from '../../src/index.ts';
import { CASES } from '../../src/tools/conformance/cases.ts';
import { examine } from '../../src/tools/conformance/examine.ts';
import { findTarget } from '../../src/tools/conformance/target.ts';
import { folder } from '../support/folder.ts';
import { start } from '../support/serving.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'];

const application: Handler = ({ method, target }, response) =>
  METHODS.includes(method) ? response.send(200, {}, `${method} ${target}`) : response.send(501);

test('every case that this server can be asked', async () => {
  const root = await folder({
    'page.txt': 'a page\n',
    'error.html': 'an error\n',
    users: `joe:${hashSync('a', 4)}\n`,
    _headers: '/*\n  X-D: e\n',
    _redirects: '/old-page /new-page 301\n/lost/* /error.html 404\n',
  });
  const { server } = await start({
    static: root,
    handler: application,
    rules: {
      headers: ['/**: X-A: b', '*.txt: +X-A: c', '//a.example/**: -X-A', '@cross-origin-isolation'],
      cors: { origins: 'https://a.example', credentials: true },
      maintenance: `${root}/off`,
      allow: '/** all',
      deny: '/denied/** all',
      rateLimits: '/** 1000000/s',
      redirects: '/old/:page -> /new/:page',
      auth: `/private/** ${root}/users`,
      rewrites: ['/** -> /index.html if-missing', '/rewritten -> /page.txt'],
      siteFiles: true,
      trailingSlash: '/folders/** add',
      errorPages: `5xx ${root}/error.html`,
    },
  });
  const target = await findTarget(`${server.url.href}page.txt`, false, 5_000);
  const limits = { maxConnections: 16, timeoutMs: 5_000, maxDurationMs: 60_000, maxSplits: 1 };
  const results = await examine(target, CASES, limits);
  const faults = results.filter(({ verdict }) => verdict === 'failed' || verdict === 'warned');
  expect(faults.map(({ id, detail }) => `${id}: ${detail}`)).toEqual([]);
  expect(results.filter(({ verdict }) => verdict === 'passed').length).toBeGreaterThan(200);
}, 90_000);
