// Tests the precedence of flags, variables, files and defaults for every setting, and that the origin is printed.

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseArguments } from '../../src/cli/arguments.ts';
import {
  COMMAND_OPTIONS,
  type Layer,
  printConfiguration,
  readEnvironment,
  resolveSettings,
} from '../../src/config/resolve.ts';
import { kebab, variableOf } from '../../src/options/names.ts';
import { groupOf, keyOf, type Option, optionName } from '../../src/options/option.ts';
import type { SettingName } from '../../src/options/option-types.ts';
import { folder } from '../support/folder.ts';
import { readConfig } from '../support/read-config.ts';

/** Two texts with different values for each setting; switches have `true` and `false`. */
const TEXTS: Readonly<Partial<Record<SettingName, readonly [string, string]>>> = {
  port: ['1', '2'],
  listen: ['127.0.0.1:1', '[::1]:2'],
  adapter: ['wsgi', 'raw'],
  proxy: ['uwsgi:unix:/run/a.sock', '/b=uwsgi:127.0.0.1:3031'],
  offload: ['1', '2'],
  workers: ['1', '2'],
  model: ['poll', 'select'],
  logFormat: ['json', 'combined'],
  cacheControl: ['a:b', 'c:d'],
  index: ['one', 'two'],
  charset: ['one', 'two'],
  type: ['.a=text/b', '.c=text/d'],
  mount: ['/a=/b', '/c=/d'],
  vhost: ['a=/b', 'c=/d'],
  backend: ['poll', 'select'],
  dynamicSuffix: ['.py', '.js'],
  host: ['a', 'b'],
  deny: ['/a/** all', '/b/** 10.0.0.0/8'],
  allow: ['/a/** private', '/b/** 10.0.0.0/8'],
  rateLimit: ['/a/** 10/s', '/b/** 10/s burst 5'],
  auth: ['/a/** /x', '/b/** /x'],
  redirect: ['/a -> /b', '/c -> /d 308'],
  trailingSlash: ['add', 'remove'],
  rewrite: ['/a -> /b', '/c -> /d if-missing'],
  header: ['/a/**: B: c', '@hsts'],
  errorPage: ['404 /x', '/a/** 5xx /x'],
  tlsClientCert: ['optional', 'required'],
  admin: ['127.0.0.1:1', '[::1]:2'],
  trustedProxies: ['10.0.0.0/8', 'loopback'],
  proxyFields: ['forwarded', 'x-forwarded'],
  umask: ['022', '027'],
};

/** Two texts with different values. */
function textsOf(option: Option): readonly [string, string] {
  const { isSwitch, range } = option.kind;
  if (isSwitch === true) return ['true', 'false'];
  // The names of COMMAND_OPTIONS are those of the settings.
  const own = TEXTS[optionName(option) as SettingName];
  if (own !== undefined) return own;
  return range === undefined ? ['/one', '/two'] : [String(range[0]), String(range[0] + 1)];
}

/** A config file with one option, in its second line. */
function fileWith(option: Option, value: unknown): string {
  const pair = `${keyOf(option)}: ${JSON.stringify(value)}`;
  return groupOf(option) === '' ? `\n${pair}` : `${groupOf(option)}:\n  ${pair}`;
}

test('--cors may have a value, and be repeated', () => {
  const rulesFor = (...argv: readonly string[]): unknown =>
    parseArguments(['1', './html', ...argv]).settings.get('cors')?.value;
  const all = { origins: null, credentials: false, origin: '--cors' };
  const detailed = {
    origins: ['https://a.example', 'https://b.example:1'],
    methods: ['GET', 'PUT'],
    maxAgeSeconds: 60,
  };
  const text = '/api/** from https://a.example,https://B.example:1 methods GET,PUT credentials max-age 60';
  expect(rulesFor('--cors')).toMatchObject([all]);
  expect(rulesFor('--cors', '--listing')).toMatchObject([all]);
  expect(rulesFor(`--cors=${text}`, '--cors')).toMatchObject([{ ...detailed, credentials: true }, all]);
  expect(rulesFor('--cors=headers X-A,X-B expose X-C')).toMatchObject([
    { ...all, headers: ['X-A', 'X-B'], expose: ['X-C'], pattern: { text: '/**' } },
  ]);
  expect(rulesFor('--no-cors')).toEqual([]);
});

const flagLayer = (...argv: readonly string[]): Layer => parseArguments(argv).settings;

describe.each(COMMAND_OPTIONS.map((option) => [optionName(option), option] as const))('%s', (name, option) => {
  const isSwitch = option.kind.isSwitch === true;
  const [one, two] = textsOf(option);
  const flag = (text: string): Layer =>
    flagLayer(isSwitch ? `--${text === 'true' ? '' : 'no-'}${kebab(name)}` : `--${kebab(name)}=${text}`);
  const settled = (...layers: readonly Layer[]): unknown =>
    withoutOrigins(Reflect.get(resolveSettings(...layers).settings, name));

  test('has a flag, a variable and a key with the same meaning', async () => {
    const path = join(await folder({ 'a.yaml': fileWith(option, yamlOf(option, one)) }), 'a.yaml');
    const file = await readConfig(path);
    const variable = readEnvironment({ [variableOf(name)]: one });
    expect(settled(flag(one))).toEqual(settled(variable));
    expect(settled(file)).toEqual(settled(variable));
    expect(settled(variable)).not.toEqual(settled(flag(two)));
  });

  test('a flag overrides the variable, which overrides the file, which overrides the default', async () => {
    const path = join(await folder({ 'a.yaml': fileWith(option, yamlOf(option, one)) }), 'a.yaml');
    const file = await readConfig(path);
    const variable = readEnvironment({ [variableOf(name)]: two });
    const origins = [[flag(one), variable, file], [variable, file], [file], []].map((layers) =>
      // As above.
      resolveSettings(...layers).originOf(name as SettingName),
    );
    expect(origins).toEqual([
      expect.stringMatching(/^--/),
      variableOf(name),
      `${path}:2`,
      option.default === undefined ? undefined : 'default',
    ]);
    expect(settled(flag(one), variable, file)).toEqual(settled(flag(one)));
    expect(settled(variable, file)).toEqual(settled(variable));
  });
});

/** Rules know where they were set, which differs here, and how they were written. */
function withoutOrigins(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((each: unknown) =>
    typeof each === 'object' ? { ...each, origin: undefined, written: undefined } : each,
  );
}

function yamlOf({ kind }: Option, text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  return kind.range !== undefined && /^\d+$/.test(text) ? Number(text) : text;
}

test('an empty variable is not set, and several values are separated by line feeds', () => {
  expect(readEnvironment({ EPOLL_SERVER_PORT: '', PORT: '', OTHER: 'x' }).size).toBe(0);
  expect(readEnvironment({ EPOLL_SERVER_MOUNT: '/a=/b\n/c=/d\n' }).get('mount')?.value).toEqual({
    '/a': '/b',
    '/c': '/d',
  });
  expect(() => readEnvironment({ EPOLL_SERVER_CACHE_CONTROL: 'no-cache\n*.html' })).toThrow(
    'EPOLL_SERVER_CACHE_CONTROL: the pattern "*.html" needs a value, as in *.html:no-cache',
  );
  expect(() => readEnvironment({ EPOLL_SERVER_LISTING: 'on' })).toThrow(
    'EPOLL_SERVER_LISTING must be true or false, not "on"',
  );
});

test('an unknown variable is an error with a suggestion, except for those of Kubernetes', () => {
  for (const [name, message] of [
    ['EPOLL_SERVER_KEEPALIVE_TIMEOUT', ' (did you mean EPOLL_SERVER_KEEP_ALIVE_TIMEOUT_MS?)'],
    ['EPOLL_SERVER_HOSTT', ' (did you mean EPOLL_SERVER_HOST?)'],
    ['EPOLL_SERVER_HOSTNAME', ' (did you mean EPOLL_SERVER_HOST?)'],
    ['EPOLL_SERVER_KEEP_ALIVE_MS', ' (did you mean EPOLL_SERVER_KEEP_ALIVE_TIMEOUT_MS?)'],
    ['EPOLL_SERVER_STATIC_ROOT', ' (did you mean EPOLL_SERVER_ROOT?)'],
    ['EPOLL_SERVER_QUITE_ANOTHER', ''],
  ] as const) {
    expect(() => readEnvironment({ [name]: '1' })).toThrow(`unknown variable ${name}${message}`);
  }
  const service = {
    EPOLL_SERVER_SERVICE_HOST: '10.0.0.1',
    EPOLL_SERVER_SERVICE_PORT: '80',
    EPOLL_SERVER_SERVICE_PORT_HTTP: '80',
    EPOLL_SERVER_PORT_80_TCP: 'tcp://10.0.0.1:80',
    EPOLL_SERVER_PORT_80_TCP_ADDR: '10.0.0.1',
  };
  expect(readEnvironment(service).size).toBe(0);
  expect(() => readEnvironment({ ...service, EPOLL_SERVER_PORT: 'tcp://10.0.0.1:80' })).toThrow(
    'EPOLL_SERVER_PORT is "tcp://10.0.0.1:80", which Kubernetes sets for a service of that name: set enableServiceLinks',
  );
});

test('PORT overrides a config file, and is overridden by EPOLL_SERVER_PORT, flags and addresses', async () => {
  const path = join(await folder({ 'a.yaml': 'port: 7' }), 'a.yaml');
  const listening = join(await folder({ 'a.yaml': 'listen: "[::1]:7"' }), 'a.yaml');
  const set = readEnvironment({ PORT: '9' });
  expect(resolveSettings(set, await readConfig(path)).settings.port).toBe(9);
  expect(resolveSettings(set).originOf('port')).toBe('PORT');
  expect(resolveSettings(readEnvironment({ PORT: '9', EPOLL_SERVER_PORT: '8' })).settings.port).toBe(8);
  expect(resolveSettings(flagLayer('--port', '6'), set).settings.port).toBe(6);
  for (const layers of [
    [flagLayer('--listen', 'a:1'), set],
    [set, await readConfig(listening)],
  ]) {
    expect(resolveSettings(...layers).settings.port).toBeUndefined();
  }
  expect(() => readEnvironment({ PORT: 'http' })).toThrow('PORT must be a whole number from 0 to 65535, not "http"');
});

test('the output of --print-config is a config file with the same settings', async () => {
  const given = flagLayer(
    '7',
    './www',
    '--listing',
    '--cache-control',
    '*.js:immutable',
    '--mount',
    '/a=/b',
    '--index',
    'x',
  );
  const configuration = resolveSettings(given);
  const text = printConfiguration(configuration);
  expect(text).toMatch(/^port: 7 +# the port$/m);
  expect(text).toMatch(/^ {2}listing: true +# --listing$/m);
  expect(text).toMatch(/^ {2}maxFields: 200 +# default$/m);
  expect(text).toMatch(/^# app: +# not set$/m);
  const path = await folder({ 'again.yaml': text });
  expect(resolveSettings(await readConfig(join(path, 'again.yaml'))).settings).toEqual({
    ...configuration.settings,
    root: join(path, 'www'),
  });
});

test('listen replaces the defaults of port and host, and is printed as it was written', async () => {
  const given = flagLayer('--listen', '[::1]:80', '--listen', 'unix:/run/x.sock,mode=660', '--root', '/www');
  const configuration = resolveSettings(given);
  expect(configuration.settings).toMatchObject({ listen: ['[::1]:80', 'unix:/run/x.sock,mode=660'] });
  expect([configuration.settings.port, configuration.settings.host]).toEqual([undefined, undefined]);
  const text = printConfiguration(configuration);
  expect(text).toMatch(/^# port: +# not set$/m);
  const path = await folder({ 'again.yaml': text });
  expect(resolveSettings(await readConfig(join(path, 'again.yaml'))).settings).toEqual(configuration.settings);
  expect(readEnvironment({ EPOLL_SERVER_LISTEN: 'a:1\nfd:3' }).get('listen')?.value).toEqual(['a:1', 'fd:3']);
});
