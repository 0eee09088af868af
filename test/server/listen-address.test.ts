// Tests each form of a listen address, and that each mistake is one line which shows the value.

import { expect, test } from 'vitest';
import { checkListen, listenText, rebaseListen } from '../../src/options/listen-address.ts';

const LONGEST_PATH = `/${'x'.repeat(106)}`;

test.each([
  ['127.0.0.1:8080', { host: '127.0.0.1', port: 8080 }, {}],
  ['localhost:0', { host: 'localhost', port: 0 }, {}],
  ['[::1]:65535', { host: '::1', port: 65_535 }, {}],
  ['[::]:80,backlog=8', { host: '::', port: 80 }, { backlog: 8 }],
  [{ host: '::', port: '80', backlog: 9 }, { host: '::', port: 80 }, { backlog: 9 }],
  ['unix:/run/x.sock', { path: '/run/x.sock' }, {}],
  ['unix:/run/x.sock,mode=660', { path: '/run/x.sock', mode: 0o660 }, {}],
  ['unix:/run/x.sock,backlog=1,mode=0600', { path: '/run/x.sock', mode: 0o600 }, { backlog: 1 }],
  [`unix:${LONGEST_PATH}`, { path: LONGEST_PATH }, {}],
  [{ path: '/run/a,b=c', mode: 0o777 }, { path: '/run/a,b=c', mode: 0o777 }, {}],
  [{ path: '/run/a', mode: '640', backlog: undefined }, { path: '/run/a', mode: 0o640 }, {}],
  ['unix:/run/x.sock?mode=0660&backlog=1', { path: '/run/x.sock', mode: 0o660 }, { backlog: 1 }],
  ['fd:3', { fd: 3 }, {}],
  ['127.0.0.1:80?proxy', { host: '127.0.0.1', port: 80 }, { proxy: true }],
  ['fd:3,proxy,backlog=2', { fd: 3 }, { proxy: true, backlog: 2 }],
  [{ fd: 3, proxy: true }, { fd: 3 }, { proxy: true }],
  ['127.0.0.1:80?tls&proxy', { host: '127.0.0.1', port: 80 }, { proxy: true }, true],
  ['127.0.0.1:80,tls=off,proxy=on', { host: '127.0.0.1', port: 80 }, { proxy: true }, false],
  [{ fd: 3, tls: false, proxy: false }, { fd: 3 }, {}, false],
  [{ fd: 3, proxy: false }, { fd: 3 }, {}],
  [{ fd: 0 }, { fd: 0 }, {}],
] as const)('%j', (given, address, options, tls?: boolean) => {
  expect(checkListen(given)).toEqual({ address, options, tls });
  if (!('mode' in address)) expect(checkListen(listenText(address)).address).toEqual(address);
});

const FORMS = /^must be HOST:PORT, \[ADDRESS\]:PORT, unix:PATH, fd:NUMBER or systemd\[:NAME\], not /;
const PORT = /^must have a port from 0 to 65535, not /;
const PARTS = /^must have host and port, path \(and mode\), or fd, and nothing else but backlog, tls and proxy, not /;
const MODE = /^must have a mode of octal digits such as 660, not /;
const BACKLOG = /^must have a backlog from 1 to 65535, not /;
const FD = /^must have the number of a descriptor, not /;

test.each([
  ['', FORMS],
  ['8080', FORMS],
  [':8080', FORMS],
  ['::1:8080', FORMS],
  ['[::1]', FORMS],
  ['[1.2.3.4]:80', FORMS],
  ['[::1:80', FORMS],
  ['127.0.0.1:80,backlog', FORMS],
  ['127.0.0.1:80,backlog=1,backlog=2', FORMS],
  ['127.0.0.1:80,port=81', FORMS],
  ['127.0.0.1:80?', FORMS],
  ['127.0.0.1:80?proxy&proxy', FORMS],
  ['127.0.0.1:80?proxy=maybe', /^must have on or off as its proxy, not /],
  ['127.0.0.1:80?tls=maybe', /^must have on or off as its tls, not /],
  [7, FORMS],
  [null, FORMS],
  [['127.0.0.1:80'], FORMS],
  ['127.0.0.1:', PORT],
  ['127.0.0.1:65536', PORT],
  ['127.0.0.1:http', PORT],
  ['127.0.0.1:-1', PORT],
  [{ host: 'a', port: 1.5 }, PORT],
  [{ host: '', port: 1 }, /^must have a name or an address as its host, not /],
  [{}, PARTS],
  [{ host: 'a' }, PARTS],
  [{ port: 80 }, PARTS],
  [{ fd: 3, path: '/a' }, PARTS],
  [{ host: 'a', port: 80, tsl: true }, PARTS],
  ['127.0.0.1:80,mode=660', PARTS],
  ['unix:/a,mdoe=660', PARTS],
  ['unix:', /^must have a path without NUL, not /],
  [{ path: 'a\0b' }, /^must have a path without NUL, not /],
  [`unix:${LONGEST_PATH}x`, /^must have a path of at most 107 bytes \(it has 108\), not "unix:\/x{70}/],
  [`unix:/${'é'.repeat(54)}`, /at most 107 bytes \(it has 109\)/],
  ['unix:/a,mode=888', MODE],
  ['unix:/a,mode=66', MODE],
  ['unix:/a,mode=1777', MODE],
  ['unix:/a,mode=u+rw', MODE],
  ['unix:/a,mode=', MODE],
  [{ path: '/a', mode: 660 }, MODE],
  [{ path: '/a', mode: -1 }, MODE],
  ['fd:', FD],
  ['fd:three', FD],
  ['fd:-1', FD],
  [{ fd: 2 ** 31 }, FD],
  ['fd:3,backlog=0', BACKLOG],
  ['fd:3,backlog=65536', BACKLOG],
  ['fd:3,backlog=many', BACKLOG],
])('%j is rejected', (given, message) => {
  expect(() => checkListen(given)).toThrow(message);
});

test('paths of a config file are relative to its folder', () => {
  const options = ['unix:x.sock,mode=660', 'unix:/x.sock', 'a:1', { path: '../x', mode: '660' }, { fd: 3 }] as const;
  expect(options.map((option) => rebaseListen(option, '/etc/web'))).toEqual([
    'unix:/etc/web/x.sock,mode=660',
    'unix:/x.sock',
    'a:1',
    { path: '/etc/x', mode: '660' },
    { fd: 3 },
  ]);
});
