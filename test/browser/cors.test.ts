// Tests with a real browser that scripts of another origin get what the rules allow, and nothing else.

import { expect, test } from 'vitest';
import { oneBrowser } from '../support/browser.ts';
import { startHandler } from '../support/serving.ts';
import { openTab } from '../support/tab.ts';

const openContext = oneBrowser();

test('origins, methods, fields and credentials', async () => {
  const page = await startHandler((_request, response) => response.send(200, { 'Content-Type': 'text/html' }, ''));
  // Another port is another origin.
  const origin = page.server.url.origin;
  const { server } = await startHandler((request, response) => response.send(200, { 'X-Seen': '1' }, request.method), {
    rules: {
      cors: [
        { pattern: '/open' },
        { pattern: '/own/**', origins: origin, credentials: true, methods: 'PUT', headers: 'X-Key', expose: 'X-Seen' },
        { pattern: '/other', origins: 'https://other.example' },
      ],
    },
  });
  const { page: tab } = await openTab(openContext);
  await tab.goto(page.server.url.href);
  const reads = (path: string, init: object = {}): Promise<unknown> =>
    tab.evaluate(
      `fetch(${JSON.stringify(new URL(path, server.url).href)}, ${JSON.stringify(init)})
        .then(async (response) => [await response.text(), response.headers.get('X-Seen')], () => 'refused')`,
    );
  expect(await reads('/open')).toEqual(['GET', null]);
  expect(await reads('/open', { method: 'PATCH', headers: { 'X-Any': 'a' } })).toEqual(['PATCH', null]);
  expect(await reads('/open', { credentials: 'include' })).toBe('refused');
  expect(await reads('/own/a', { credentials: 'include' })).toEqual(['GET', '1']);
  expect(await reads('/own/a', { method: 'PUT', headers: { 'X-Key': 'a' } })).toEqual(['PUT', '1']);
  expect(await reads('/own/a', { method: 'DELETE' })).toBe('refused');
  expect(await reads('/own/a', { headers: { 'X-Other': 'a' } })).toBe('refused');
  expect(await reads('/other')).toBe('refused');
  expect(await reads('/none')).toBe('refused');
});
