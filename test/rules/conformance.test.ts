// Tests that a server with rules of all kinds conforms as one without: the whole table, against files and an application
// behind rules that match every request.

import { hashSync } from 'bcryptjs';
import { expect, test } from 'vitest';
import { CASES } from '../../src/tools/conformance/cases.ts';
import { examine } from '../../src/tools/conformance/examine.ts';
import { findTarget } from '../../src/tools/conformance/target.ts';
import { folder } from '../support/folder.ts';
import { REPOSITORY } from '../support/program.ts';
import { start } from '../support/serving.ts';

test('every case of the table', async () => {
  const root = await folder({
    'page.txt': 'a page\n',
    'error.html': 'an error\n',
    users: `joe:${hashSync('a', 4)}\n`,
    _headers: '/*\n  X-D: e\n',
    _redirects: '/old-page /new-page 301\n/lost/* /error.html 404\n',
  });
  const { server, errors } = await start({
    static: root,
    app: `${REPOSITORY}examples/conformance.js`,
    adapter: 'raw',
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
  const target = await findTarget(`${server.url.href}page.txt`, false, 20_000);
  const limits = { maxConnections: 24, timeoutMs: 20_000, maxDurationMs: 150_000, maxSplits: 1 };
  const results = await examine(target, CASES, limits);
  // A route that always throws.
  errors.splice(0);
  const others = results.filter(({ verdict }) => verdict !== 'passed');
  expect(others.map(({ id, verdict, detail }) => `${verdict} ${id}: ${detail}`)).toEqual([]);
}, 170_000);
