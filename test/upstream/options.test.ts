// Tests the option proxy: its forms, and what it cannot be combined with.

import { expect, test } from 'vitest';
import { parseArguments } from '../../src/cli/arguments.ts';
import { checkModel } from '../../src/cli/model.ts';
import { commandContentOf } from '../../src/cli/serve-options.ts';
import { resolveSettings } from '../../src/config/resolve.ts';
import { serve } from '../../src/index.ts';
import { rebaseUpstream, upstreamPlaceOf, upstreamPlaceText } from '../../src/options/upstream-place.ts';
import { checkOptions } from '../../src/server/options.ts';
import { ask, get } from '../support/client.ts';
import { startHandler } from '../support/serving.ts';
import { sending } from '../support/uwsgi-upstream.ts';

const UNIX = 'uwsgi:unix:/run/app.sock';

test('a program is named by its protocol and its address, with an optional mount path', () => {
  for (const text of [UNIX, 'uwsgi:127.0.0.1:3031', 'uwsgi:[::1]:3031', 'uwsgi:app.internal:3031', `/api=${UNIX}`])
    expect(upstreamPlaceText(upstreamPlaceOf(text))).toBe(text);
  expect(upstreamPlaceOf(`/a/b=${UNIX}`)).toEqual({ mountPath: '/a/b', address: { path: '/run/app.sock' } });
  expect(rebaseUpstream('/a=uwsgi:unix:run/app.sock', '/srv')).toBe('/a=uwsgi:unix:/srv/run/app.sock');
  expect(rebaseUpstream('uwsgi:a:1', '/srv')).toBe('uwsgi:a:1');
});

test.each([
  'unix:/run/app.sock',
  'http://127.0.0.1:80',
  'uwsgi:',
  'uwsgi:3031',
  'uwsgi:127.0.0.1:0',
  'uwsgi:127.0.0.1:65536',
  'uwsgi:unix:',
  `uwsgi:unix:/${'x'.repeat(200)}`,
  'uwsgi:unix:/a?mode=660',
  'uwsgi:fd:3',
  'uwsgi:systemd',
])('%s is rejected', (proxy) => {
  expect(() => checkOptions({ proxy })).toThrow(/^proxy must /);
});

test('a request cannot go to two applications', () => {
  const handler = (): void => {};
  expect(() => checkOptions({ proxy: [UNIX, 'uwsgi:a:1'] })).toThrow('proxy has two programs for all paths');
  expect(() => checkOptions({ proxy: UNIX, handler })).toThrow('proxy and handler are both for all paths');
  expect(() => checkOptions({ proxy: [`/a=${UNIX}`, '/a=uwsgi:a:1'] })).toThrow('a program is mounted twice at /a');
  expect(checkOptions({ proxy: [`/a=${UNIX}`, UNIX] }).proxies).toHaveLength(2);
});

test('a mounted program gets the requests below its path, and the application all others', async () => {
  const upstream = await sending('HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nprogram');
  const proxy = `/api=${upstream.place}`;
  const { port } = await startHandler((_request, response) => response.send(200, {}, 'handler'), { proxy });
  expect((await ask(port, get('/api/x'))).text).toBe('program');
  expect((await ask(port, get('/apix'))).text).toBe('handler');
});

test('a host that is unknown is reported at the start', async () => {
  const started = serve({ port: 0, proxy: 'uwsgi:no-such-host.invalid:1' });
  await expect(started).rejects.toMatchObject({ code: 'ERR_LISTEN' });
});

test('the command describes its programs, and refuses them beside an application and for models that block', async () => {
  const settingsOf = (...argv: readonly string[]) => resolveSettings(parseArguments(argv).settings);
  const content = commandContentOf(settingsOf('--proxy', UNIX, '--proxy', '/a=uwsgi:a:1'), undefined);
  await content.check();
  expect(content.description).toBe(`${UNIX} and /a=uwsgi:a:1`);
  const both = commandContentOf(settingsOf('--proxy', UNIX, '--app', 'examples/hello.js'), undefined);
  await expect(both.check()).rejects.toThrow('app and proxy are both for all paths');
  const { settings } = settingsOf('--proxy', UNIX);
  const start = (): Promise<never> => Promise.reject(new Error('it is not started'));
  expect(() => checkModel({ name: 'iterative', isBlocking: true, start }, settings, undefined)).toThrow('--proxy');
});
