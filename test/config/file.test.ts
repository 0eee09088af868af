// Tests that each mistake in a config file is reported with file, line, key, value and expected value, and that keys mean
// the same as flags of the same name.

import { execFileSync } from 'node:child_process';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { findConfig, MAX_CONFIG_BYTES } from '../../src/config/file.ts';
import { COMMAND_OPTIONS, printConfiguration, resolveSettings } from '../../src/config/resolve.ts';
import { OPTION_GROUPS } from '../../src/options/lookup.ts';
import { groupOf, keyOf, optionName } from '../../src/options/option.ts';
import type { Settings } from '../../src/options/option-types.ts';
import { folder } from '../support/folder.ts';
import { expectLinear } from '../support/growth.ts';
import { readConfig } from '../support/read-config.ts';

async function read(text: string | Uint8Array, name = 'site.yaml'): Promise<Settings> {
  const path = join(await folder({ [name]: text }), name);
  return resolveSettings(await readConfig(path)).settings;
}

/** The error message without the path of the folder. */
async function complaint(text: string | Uint8Array, name = 'site.yaml'): Promise<string> {
  const thrown = await read(text, name).catch((error: unknown) => error);
  expect(thrown).toMatchObject({ code: 'ERR_CONFIG' });
  const message = thrown instanceof Error ? thrown.message : '';
  expect(message).not.toContain('\n');
  return message.replaceAll(/\/[^ ]*\/epoll-server-\w+\//g, '');
}

const WRONG: readonly (readonly [string, string])[] = [
  ['port: http', 'site.yaml:1: port must be a whole number from 0 to 65535, not "http"'],
  ['# a comment\nport: "9000a"', 'site.yaml:2: port must be a whole number from 0 to 65535, not "9000a"'],
  ...['', ' 9000 ', '0x10', '1e3', '1.5', '-1', '+1', 'Infinity', '65536'].map(
    (text) => [`port: "${text}"`, `site.yaml:1: port must be a whole number from 0 to 65535, not "${text}"`] as const,
  ),
  ['limits: {maxFields: "0"}', 'site.yaml:1: limits.maxFields must be a whole number from 1 to 10000, not "0"'],
  ['static: {listing: "yes"}', 'site.yaml:1: static.listing must be true or false, not "yes"'],
  ['static: {listing: "TRUE"}', 'site.yaml:1: static.listing must be true or false, not "TRUE"'],
  ['port: 65536', 'site.yaml:1: port must be a whole number from 0 to 65535, not 65536'],
  ['port: 80.5', 'site.yaml:1: port must be a whole number from 0 to 65535, not 80.5'],
  ['port:', 'site.yaml:1: port must be a whole number from 0 to 65535, not null'],
  ['port: [1]', 'site.yaml:1: port must be a whole number from 0 to 65535, not 1'],
  ['port: {a: 1}', 'site.yaml:1: port must be a whole number from 0 to 65535, not {"a":1}'],
  [
    'listen: 8080',
    'site.yaml:1: listen must be HOST:PORT, [ADDRESS]:PORT, unix:PATH, fd:NUMBER or systemd[:NAME], or an object with',
  ],
  [
    'listen: "8080"',
    'site.yaml:1: listen must be HOST:PORT, [ADDRESS]:PORT, unix:PATH, fd:NUMBER or systemd[:NAME], not "8080"',
  ],
  ['listen: [a:1, "b:99999"]', 'site.yaml:1: listen must have a port from 0 to 65535, not "b:99999"'],
  ['listen: {path: /a, mode: "999"}', 'site.yaml:1: listen must have a mode of octal digits such as 660, not {"path"'],
  [
    'listen: {path: /a, mode: 0660}',
    'site.yaml:1: listen must be HOST:PORT, [ADDRESS]:PORT, unix:PATH, fd:NUMBER or systemd[:NAME], or',
  ],
  [
    'listen: {host: a}',
    'site.yaml:1: listen must be HOST:PORT, [ADDRESS]:PORT, unix:PATH, fd:NUMBER or systemd[:NAME], or an object with',
  ],
  [
    'listen: {fd: 3, tsl: true}',
    'site.yaml:1: listen must be HOST:PORT, [ADDRESS]:PORT, unix:PATH, fd:NUMBER or systemd[:NAME], or an',
  ],
  ['hostname: 7', 'site.yaml:1: hostname must be a name or an address, not 7'],
  ['static: {root: ""}', 'site.yaml:1: static.root must be a folder, not ""'],
  ['static: {root: "a\\0b"}', 'site.yaml:1: static.root must be a folder, not "a\\u0000b"'],
  ['static: {listing: yes}', 'site.yaml:1: static.listing must be true or false, not "yes"'],
  ['\n\nlog: {format: xml}', 'site.yaml:3: log.format must be one of common, combined, json, not "xml"'],
  ['adapter: side', 'site.yaml:1: adapter must be one of wsgi, fetch, node, raw, not "side"'],
  ['limits: {maxFields: 0}', 'site.yaml:1: limits.maxFields must be a whole number from 1 to 10000, not 0'],
  ['static: {index: a/b}', 'site.yaml:1: static.index must be a file name, or a list of file names, not "a/b"'],
  ['static: {spa: ../x}', 'site.yaml:1: static.spa must be a path below the root, such as index.html, not "../x"'],
  [
    'static: {cacheControl: "*.html"}',
    'site.yaml:1: static.cacheControl: the pattern "*.html" needs a value, as in *.html:no-cache',
  ],
  ['static: {cacheControl: {"*.js": "a\\nb"}}', 'site.yaml:1: static.cacheControl: the value "a\\nb" of'],
  ['static: {cacheControl: {"*.js": ""}}', 'site.yaml:1: static.cacheControl: the pattern "*.js"'],
  [
    'static: {mounts: {assets: ./dist}}',
    'site.yaml:1: static.mounts: a folder must be mounted at a path such as /assets, not "assets"',
  ],
  ['static: {mounts: [/a]}', 'site.yaml:1: static.mounts must be of the form /assets=./dist, not "/a"'],
  ['static: {mounts: [/a=b, /a=c]}', 'site.yaml:1: static.mounts gives /a twice: "b" and "c"'],
  [
    'static: {types: {.md: text}}',
    'site.yaml:1: static.types: the media type of .md must be of the form text/plain, not "text"',
  ],
  ['static: {hosts: {a: {spa: index.html}}}', 'site.yaml:1: static.hosts: a host needs "root"'],
  ['static: {hosts: {a: {root: b, hide: c}}}', 'site.yaml:1: static.hosts: a host cannot have the option "hide"'],
  ['static: {hosts: {a: 7}}', 'site.yaml:1: static.hosts must be of the form www.example.org=./www, not {"a":7}'],
  ['prot: 80', 'site.yaml:1: unknown key "prot" (did you mean "port"?)'],
  ['maxFields: 80', 'site.yaml:1: unknown key "maxFields" (did you mean "limits.maxFields"?)'],
  [
    'keep-alive-timeout-ms: 80',
    'site.yaml:1: unknown key "keep-alive-timeout-ms" (did you mean "timeouts.keepAliveMs"?)',
  ],
  ['timeouts: {keepAlvie: 80}', 'site.yaml:1: unknown key "timeouts.keepAlvie" (did you mean "timeouts.keepAliveMs"?)'],
  [
    'limits:\n  maxFields: 1\n  maxbody: 80',
    'site.yaml:3: unknown key "limits.maxbody" (did you mean "limits.maxBodyBytes"?)',
  ],
  ['statik: {root: a}', 'site.yaml:1: unknown key "statik" (did you mean "static"?)'],
  ['root: a', 'site.yaml:1: unknown key "root" (did you mean "static.root"?)'],
  ['vhost: {}', 'site.yaml:1: unknown key "vhost" (did you mean "static.hosts"?)'],
  ['cert: a.pem', 'site.yaml:1: unknown key "cert"'],
  ['limits: 7', 'site.yaml:1: limits must have options below it, not 7'],
  ['static: 7', 'site.yaml:1: static must have options below it, not 7'],
  ['static: [a]', 'site.yaml:1: static must have options below it, not "a"'],
  ['handler: a', 'site.yaml:1: "handler" is an option of serve(), not of the command'],
  ['completely-different: 80', 'site.yaml:1: unknown key "completely-different"'],
  ['config: other.yaml', 'site.yaml:1: a config file cannot name a config file: "config" is a flag only'],
  ['__proto__: {port: 1}', 'site.yaml:1: unknown key "__proto__"'],
  ['constructor: 1', 'site.yaml:1: unknown key "constructor"'],
  ['toString: 1', 'site.yaml:1: unknown key "toString"'],
  ['static:\n  mounts: {__proto__: ./x}', 'site.yaml:2: unknown key "__proto__"'],
  ['1: 2', 'site.yaml:1: a key must be a name such as "port", not 1'],
  ['[a]: 2', 'site.yaml:1: a key must be a name such as "port", not a structure'],
  ['hello', 'site.yaml:1: a config file consists of keys and values, such as "port: 9000", not "hello"'],
  ['- port', 'site.yaml:1: a config file consists of keys and values, such as "port: 9000", not a list'],
  ['port: 1\nport: 2', 'site.yaml:2: this is not valid YAML: Map keys must be unique'],
  [
    'port: 1\nstatic_path: a\nstatic: b',
    'site.yaml:3: "static" and "static_path" are the same option: use one of them',
  ],
  ['{ "port": ', 'site.yaml:1: this is not valid YAML: Flow map must end with a }'],
  ['a: 1\n\tb: 2', 'site.yaml:2: this is not valid YAML: Tabs are not allowed as indentation'],
  ['port: !secret 7', 'site.yaml:1: this is not valid YAML: Unresolved tag: !secret'],
  ['---\nport: 1\n---\nport: 2', 'site.yaml:3: this is not valid YAML: Source contains multiple documents'],
  ['static: {index: &a [*a]}', 'site.yaml:1: *a refers to a node that contains it: a loop'],
  ['port: 1\nstatic: &m\n  mounts: *m', 'site.yaml:3: *m refers to a node that contains it: a loop'],
  [
    'static: {index: *unknown}',
    'site.yaml:1: static.index: Unresolved alias (the anchor must be set before the alias): unknown',
  ],
  ['web_app_name: application', 'site.yaml:1: web_app_name needs web_fram_name, the module'],
  ['web_fram_name: 7', 'site.yaml:1: web_fram_name must be a name, not 7'],
  ['web_frame_name: a', 'site.yaml:1: unknown key "web_frame_name" (did you mean "web_fram_name"?)'],
];

test.each(WRONG)('%j', async (text, message) => {
  expect((await complaint(text)).slice(0, message.length)).toBe(message);
});

test('aliases that expand too far are rejected', async () => {
  const levels = ['&a [x, x, x, x, x, x, x, x, x]'];
  for (let i = 0; i < 9; i++)
    levels.push(`&b${i} [${Array.from({ length: 9 }, () => `*${i === 0 ? 'a' : `b${i - 1}`}`).join(', ')}]`);
  const text = `static: {index: [${levels.join(', ')}]}`;
  expect(await complaint(text)).toMatch(/^site\.yaml:1: static\.index: Excessive alias count/);
});

test.each([
  ['brackets', '['],
  ['braces', '{a: '],
  ['dashes', '- '],
])('a file of nothing but %s is not valid YAML', async (_, piece) => {
  expect(await complaint(piece.repeat(Math.floor(MAX_CONFIG_BYTES / piece.length)))).toMatch(/^site\.yaml:1: /);
});

test('a file that is too large, not text, or not a file is rejected', async () => {
  expect(await complaint(Buffer.alloc(10_000_000, 'x'))).toBe(
    `the config file site.yaml has 10000000 bytes, the limit is ${MAX_CONFIG_BYTES}`,
  );
  expect(await complaint(Buffer.from([0x70, 0xff, 0xfe]))).toBe('the config file site.yaml is not UTF-8 text');
  expect(await complaint('port: 1\0')).toMatch(/^site\.yaml:1: /);
  expect(await complaint('port: 1\n# a\0b')).toBe('site.yaml:2: a NUL byte is not part of a text');
  const path = await folder({ 'a/b': '' });
  await symlink('loop', join(path, 'loop'));
  execFileSync('mkfifo', [join(path, 'fifo')]);
  for (const [name, why] of [
    ['a', /is not a file$/],
    ['fifo', /is not a file$/],
    ['loop', /cannot be read: ELOOP/],
    ['none', /cannot be read: ENOENT/],
    ['a/b/c', /cannot be read: ENOTDIR/],
    ['a\0b', /cannot be read: /],
  ] as const) {
    await expect(readConfig(join(path, name))).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringMatching(why),
    });
  }
});

test('an empty file sets nothing, and the key $schema is ignored', async () => {
  for (const text of ['', '# nothing\n', '{}', '"$schema": ./config.schema.json']) {
    expect(await read(text)).toEqual(resolveSettings().settings);
  }
});

test('JSON may have comments and a trailing comma, and texts that look like comments stay', async () => {
  const text =
    '{ // port\n  "port": 9000, /* a\n b */ "hostname": "::1", # three\n  "serverHeader": "a//b /* c */ # d", }';
  expect(await read(text, 'site.json')).toMatchObject({ port: 9000, host: '::1', serverHeader: 'a//b /* c */ # d' });
  expect(await complaint('{ // one\n "port": "x" }', 'site.json')).toMatch(/^site\.json:2: port must be/);
});

test.each(['{"port": 9000} /* a', '{"port": 9000} /*/', '{"port": 9000 /* a\n}', '{"port": "9000}', '{"port": "90\\'])(
  'JSON with an unterminated comment or string is rejected: %s',
  async (text) => {
    expect(await complaint(text, 'site.json')).toMatch(/^site\.json:\d+: /);
  },
);

test.each(['/*\n', '"\\'])('a file of many %j is rejected in linear time', async (piece) => {
  await expectLinear(
    (size) => async () => expect(await complaint(piece.repeat(size), 'site.json')).not.toBe(''),
    1_024,
  );
});

test('paths are relative to the folder of the file', async () => {
  const path = await folder({
    'deep/site.yaml':
      'static: {root: ./www, hide: [a, /b], mounts: {/x: y}}\napp: app.js:main\ndynamic: ../dyn\nlog: {access: log}\n' +
      'listen: ["unix:a,mode=600", {path: ../b, mode: "660"}, "a:1"]',
  });
  const { settings } = resolveSettings(await readConfig(join(path, 'deep/site.yaml')));
  expect(settings).toMatchObject({
    root: `${path}/deep/www`,
    app: [{ path: '', module: `${path}/deep/app.js:main` }],
    dynamic: `${path}/dyn`,
    accessLog: `${path}/deep/log`,
    hide: [`${path}/deep/a`, '/b'],
    mount: { '/x': `${path}/deep/y` },
    listen: [`unix:${path}/deep/a,mode=600`, { path: `${path}/b`, mode: '660' }, 'a:1'],
  });
  expect(await read('log: {access: "-"}')).toMatchObject({ accessLog: '-' });
  expect(await read('log: {access: false}')).toMatchObject({ accessLog: false });
});

test('options of a host have the same names, and are printed below the host', async () => {
  const text = `static:
  root: .
  hosts:
    a.example: ./a
    b.example:
      root: ./b
      cleanUrls: true
      spa: false
      mounts: { /m: ./m }
      types: { .md: text/markdown }
      cacheControl: ["/m/**:immutable", no-cache]`;
  const path = await folder({ 'site.yaml': text });
  const configuration = resolveSettings(await readConfig(join(path, 'site.yaml')));
  const own = {
    root: `${path}/b`,
    cleanUrls: true,
    spa: false,
    mounts: { '/m': `${path}/m` },
    types: { '.md': 'text/markdown' },
    cacheControl: [
      { pattern: '/m/**', value: 'immutable' },
      { pattern: '**', value: 'no-cache' },
    ],
  };
  expect(configuration.settings.vhost).toEqual({ 'a.example': `${path}/a`, 'b.example': own });
  await writeFile(join(path, 'again.yaml'), printConfiguration(configuration));
  expect(resolveSettings(await readConfig(join(path, 'again.yaml'))).settings).toEqual(configuration.settings);
});

test.each([
  ['types: {.md: text}', ': the media type of .md must be of the form text/plain, not "text"'],
  ['types: x', ' must be of the form .glsl=text/plain, not "x"'],
  ['listing: 7', ' must be true or false, not 7'],
  ['cacheControl: "*.js"', ': the pattern "*.js" needs a value, as in *.html:no-cache'],
  ['mounts: {dist: ./dist}', ': a folder must be mounted at a path such as /assets, not "dist"'],
  ['spa: ../x', ' must be a path below the root, such as index.html, not "../x"'],
])('the error of an option of a host names the option: %s', async (option, problem) => {
  const key = option.replace(/:.*/, '');
  expect(await complaint(`static: {hosts: {a: {root: b, ${option}}}}`)).toBe(
    `site.yaml:1: static.hosts: ${key} of a host${problem}`,
  );
});

test('a repeatable option may be one value, a list, or a mapping', async () => {
  expect(await read('static: {index: a.html}')).toMatchObject({ index: ['a.html'] });
  expect(await read('static: {cacheControl: ["*.js:immutable", no-cache]}')).toMatchObject({
    cacheControl: [
      { pattern: '*.js', value: 'immutable' },
      { pattern: '**', value: 'no-cache' },
    ],
  });
  expect(await read('static: {cacheControl: {"*.js": immutable}}')).toMatchObject({
    cacheControl: [{ pattern: '*.js', value: 'immutable' }],
  });
  expect(await read('static: {cacheControl: "Public, max-age=60"}')).toMatchObject({
    cacheControl: [{ pattern: '**', value: 'Public, max-age=60' }],
  });
  expect(await read('static: {mounts: [/a=/b]}')).toMatchObject({ mount: { '/a': '/b' } });
});

/** The file of the tutorials: a Python dictionary, indented by tabs, later with comments. */
const TUTORIAL = '{\n\t"static_path":"./static",\n\t"dynamic_path":"./dynamic"\n}\n';

test('a web_server.conf is found by its name if it is that of the tutorials', async () => {
  for (const [text, found] of [
    [TUTORIAL, 'web_server.conf'],
    ['server { listen 80; }', undefined],
    [Buffer.of(0xff, 0xfe), undefined],
  ] as const) {
    expect(findConfig(await folder({ 'web_server.conf': text }))).toBe(found);
  }
});

test('the web_server.conf of the tutorials is accepted', async () => {
  const path = await folder({ 'web_server.conf': TUTORIAL });
  const { settings } = resolveSettings(await readConfig(join(path, 'web_server.conf')));
  expect(settings).toMatchObject({ root: `${path}/static`, dynamic: `${path}/dynamic`, port: 8080 });
  expect(settings).not.toHaveProperty('app');
});

test('numbers, true and false may be quoted', async () => {
  expect(await read('port: "8880"\nworkers: \'2\'\nthreads: "0"\nlimits: {maxFields: "0050"}')).toMatchObject({
    port: 8880,
    workers: 2,
    offload: 0,
    maxFields: 50,
  });
  expect(await read('static: {listing: "true", compression: "false"}\nlog: {access: "false"}')).toMatchObject({
    listing: true,
    compression: false,
    accessLog: false,
  });
  for (const option of COMMAND_OPTIONS.filter((each) => typeof each.default === 'number')) {
    const [group, key] = [groupOf(option), keyOf(option)];
    const text = group === '' ? `${key}: "${option.default}"` : `${group}: {${key}: "${option.default}"}`;
    expect(Reflect.get(await read(text), optionName(option)), text).toBe(option.default);
  }
});

test('the web_server.conf of the tutorials is accepted with comments, a port and a framework', async () => {
  const text = `{
    "static_path": "./static",      # pages and pictures
    "dynamic_path": "./dynamic",    # where the framework is
    "port":"7890",
    "web_fram_name": "mini_frame",
    "web_app_name": "application",  # what it exports
}`;
  const path = await folder({ 'web_server.conf': text });
  const layer = await readConfig(join(path, 'web_server.conf'));
  expect(resolveSettings(layer).settings).toMatchObject({
    port: 7890,
    root: `${path}/static`,
    app: [{ path: '', module: `${path}/dynamic/mini_frame:application` }],
  });
  expect(layer.get('app')?.origin).toBe(`${path}/web_server.conf:5`);
});

test('one config file in the folder is found, and two are an error', async () => {
  const path = await folder();
  expect(findConfig(path)).toBeUndefined();
  await writeFile(join(path, 'epoll-server.config.json'), '{}');
  expect(findConfig(path)).toBe('epoll-server.config.json');
  await writeFile(join(path, 'epoll-server.config.yaml'), '');
  expect(() => findConfig(path)).toThrow(
    'there are two config files, epoll-server.config.yaml and epoll-server.config.json: remove one',
  );
});

test('files generated from the option table are up to date, and the schema has each option', async () => {
  execFileSync(process.execPath, ['scripts/generate.js', '--check']);
  const schema: { properties: Record<string, { properties?: object; anyOf?: { properties?: object }[] }> } = parse(
    await readFile('config.schema.json', 'utf8'),
  );
  const paths = Object.entries(schema.properties).flatMap(([key, value]) => {
    const nested = value.properties ?? value.anyOf?.at(-1)?.properties;
    return OPTION_GROUPS.has(key) ? Object.keys(nested ?? {}).map((each) => `${key}.${each}`) : [key];
  });
  expect(paths.sort()).toEqual(['$schema', ...COMMAND_OPTIONS.map(({ path }) => path)].sort());
});
