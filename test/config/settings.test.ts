// Proves who wins, flag, variable, file or default, for every setting there is, and that this is shown.

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { limitFlag, parseArguments } from '../../src/cli/arguments.ts';
import { readConfig } from '../../src/config/file.ts';
import { kebab, nearest, variableOf } from '../../src/config/names.ts';
import { type Layer, printConfiguration, readEnvironment, resolveSettings } from '../../src/config/resolve.ts';
import { SETTINGS, type SettingName } from '../../src/config/settings.ts';
import { LIMIT_NAMES, LIMITS } from '../../src/limits.ts';
import { folder } from '../support/folder.ts';

/** Two texts for each setting that mean different things; switches have `true` and `false`. */
const TEXTS: Readonly<Partial<Record<SettingName, readonly [string, string]>>> = {
  port: ['1', '2'],
  listen: ['127.0.0.1:1', '[::1]:2'],
  adapter: ['wsgi', 'raw'],
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
  ...Object.fromEntries(LIMIT_NAMES.map((name) => [name, [String(LIMITS[name].min), String(LIMITS[name].min + 1)]])),
};

const flagLayer = (...argv: readonly string[]): Layer => parseArguments(argv).settings;

describe.each(SETTINGS.map(({ name, kind }) => [name, kind.isSwitch === true] as const))('%s', (name, isSwitch) => {
  const [one, two] = isSwitch ? ['true', 'false'] : (TEXTS[name] ?? ['/one', '/two']);
  const flag = (text: string): Layer =>
    flagLayer(isSwitch ? `--${text === 'true' ? '' : 'no-'}${kebab(name)}` : `--${kebab(name)}=${text}`);
  const settled = (...layers: readonly Layer[]): unknown => Reflect.get(resolveSettings(...layers).settings, name);

  test('has a flag, a variable and a key, which mean the same', async () => {
    const path = join(await folder({ 'a.yaml': `${kebab(name)}: ${JSON.stringify(yamlOf(one))}` }), 'a.yaml');
    const file = await readConfig(path);
    const variable = readEnvironment({ [variableOf(name)]: one });
    expect(settled(flag(one))).toEqual(settled(variable));
    expect(settled(file)).toEqual(settled(variable));
    expect(settled(variable)).not.toEqual(settled(flag(two)));
  });

  test('the flag wins over the variable, that over the file, that over the default', async () => {
    const path = join(await folder({ 'a.yaml': `\n${kebab(name)}: ${JSON.stringify(yamlOf(one))}` }), 'a.yaml');
    const file = await readConfig(path);
    const variable = readEnvironment({ [variableOf(name)]: two });
    const origins = [[flag(one), variable, file], [variable, file], [file], []].map((layers) =>
      resolveSettings(...layers).originOf(name),
    );
    const byDefault = SETTINGS.find((setting) => setting.name === name)?.byDefault;
    expect(origins).toEqual([
      expect.stringMatching(/^--/),
      variableOf(name),
      `${path}:2`,
      byDefault === undefined ? undefined : 'default',
    ]);
    expect(settled(flag(one), variable, file)).toEqual(settled(flag(one)));
    expect(settled(variable, file)).toEqual(settled(variable));
  });
});

function yamlOf(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^\d+$/.test(text) ? Number(text) : text;
}

test('variables: empty ones are not set, several values stand on lines, strangers are left alone', () => {
  expect(readEnvironment({ EPOLL_SERVER_PORT: '', EPOLL_SERVER_SERVICE_HOST: '10.0.0.1', PORT: '1' }).size).toBe(0);
  expect(readEnvironment({ EPOLL_SERVER_MOUNT: '/a=/b\n/c=/d\n' }).get('mount')?.value).toEqual({
    '/a': '/b',
    '/c': '/d',
  });
  expect(() => readEnvironment({ EPOLL_SERVER_PORT: 'tcp://10.0.0.1:80' })).toThrow(
    'EPOLL_SERVER_PORT must be a whole number from 0 to 65535, not "tcp://10.0.0.1:80"',
  );
  expect(() => readEnvironment({ EPOLL_SERVER_CACHE_CONTROL: 'no-cache\n*.html' })).toThrow(
    'EPOLL_SERVER_CACHE_CONTROL must be rules with a value, such as *.html:no-cache: "*.html" has none',
  );
  expect(() => readEnvironment({ EPOLL_SERVER_LISTING: 'on' })).toThrow(
    'EPOLL_SERVER_LISTING must be true or false, not "on"',
  );
});

test('what is printed is a config file that says the same', async () => {
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
  expect(text).toMatch(/^listing: true +# --listing$/m);
  expect(text).toMatch(/^max-fields: 200 +# default$/m);
  expect(text).toMatch(/^# app: +# not set$/m);
  const path = await folder({ 'again.yaml': text });
  expect(resolveSettings(await readConfig(join(path, 'again.yaml'))).settings).toEqual({
    ...configuration.settings,
    root: join(path, 'www'),
  });
});

test('listen takes the place of the defaults of port and host, is printed as it is written, and read again', async () => {
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

test('the nearest name is found however its words are joined', () => {
  const known = ['port', 'keep-alive-timeout-ms', 'host'];
  for (const [name, near] of [
    ['prot', 'port'],
    ['keepAliveTimeoutMs', 'keep-alive-timeout-ms'],
    ['keep_alive_timeout_ms', 'keep-alive-timeout-ms'],
    ['quite-another', undefined],
    ['x'.repeat(10_000), undefined],
  ] as const) {
    expect(nearest(name, known)).toBe(near);
  }
  expect(limitFlag('maxFields')).toBe('max-fields');
});
