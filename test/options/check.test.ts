// Tests that every option given in code is checked, at any depth, and that errors name its path.

import { describe, expect, test } from 'vitest';
import { checkGiven } from '../../src/options/check.ts';
import { groupOf, isTakenBy, keyOf, type Option, optionName } from '../../src/options/option.ts';
import { resolveLimits } from '../../src/options/resolve-limits.ts';
import { resolveStatic, settingsOfHost } from '../../src/options/static-settings.ts';
import { OPTIONS } from '../../src/options/table.ts';

const IN_CODE = OPTIONS.filter((option) => isTakenBy(option, 'serve'));

function given(option: Option, value: unknown): object {
  return groupOf(option) === '' ? { [keyOf(option)]: value } : { [groupOf(option)]: { [keyOf(option)]: value } };
}

test('each option has a path and a name of its own', () => {
  expect(new Set(OPTIONS.map(({ path }) => path)).size).toBe(OPTIONS.length);
  expect(new Set(OPTIONS.map(optionName)).size).toBe(OPTIONS.length);
});

test('every default is valid, and the check does not change it', () => {
  for (const option of IN_CODE.filter((each) => each.default !== undefined)) {
    expect(checkGiven(given(option, option.default)).get(optionName(option)), option.path).toEqual(option.default);
  }
});

describe.each(IN_CODE.map((option) => [option.path, option] as const))('%s', (path, option) => {
  test('rejects a symbol with its name, and takes undefined as absent', () => {
    expect(() => checkGiven(given(option, Symbol('x')))).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION', message: expect.stringContaining(`${path} must be `) }),
    );
    expect(checkGiven(given(option, undefined)).size).toBe(0);
  });
});

describe.each(
  OPTIONS.flatMap(({ kind, ...option }) =>
    kind.range === undefined ? [] : [[option.path, kind.range, { kind, ...option }] as const],
  ),
)('%s', (path, [min, max], option) => {
  test('accepts both ends of its range, as numbers and as strings, and rejects values beyond', () => {
    if (!isTakenBy(option, 'serve')) return expect(() => checkGiven(given(option, min))).toThrow('not of serve()');
    const read = (value: unknown): unknown => checkGiven(given(option, value)).get(optionName(option));
    for (const value of [min, max]) expect([read(value), read(String(value))]).toEqual([value, value]);
    for (const value of [min - 1, max + 1, min + 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => read(value), String(value)).toThrow(`${path} must be ${option.kind.expected}, not `);
      expect(() => read(String(value)), String(value)).toThrow(`not "${value}"`);
    }
  });
});

test.each([
  [{ hostnme: 'x' }, 'unknown option "hostnme" (did you mean "hostname"?)'],
  [{ timeouts: { keepAlvie: 1 } }, 'unknown option "timeouts.keepAlvie" (did you mean "timeouts.keepAliveMs"?)'],
  [{ keepAliveMs: 1 }, 'unknown option "keepAliveMs" (did you mean "timeouts.keepAliveMs"?)'],
  [{ keepAliveTimeoutMs: 1 }, 'unknown option "keepAliveTimeoutMs" (did you mean "timeouts.keepAliveMs"?)'],
  [{ root: 'x' }, 'unknown option "root" (did you mean "static.root"?)'],
  [{ limits: { keepAliveMs: 1 } }, 'unknown option "limits.keepAliveMs" (did you mean "timeouts.keepAliveMs"?)'],
  [{ cert: 'x' }, 'unknown option "cert"'],
  [{ app: 'x.js' }, '"app" is an option of the command, not of serve()'],
  [
    { static: { hosts: { a: { root: 'b', listng: true } } } },
    'cannot have the option "listng" (did you mean "listing"?)',
  ],
  [{ limits: 7 }, 'limits must be an object with options, not 7'],
  [{ static: 7 }, 'static must be an object with options, not 7'],
  [{ static: '' }, 'static.root must be a folder, not ""'],
  [{ limits: null }, 'limits must be an object with options, not null'],
  [{ limits: ['a', 'b'] }, 'limits must be an object with options, not ["a","b"]'],
  [{ port: Number.NaN }, 'port must be a whole number from 0 to 65535, not NaN'],
  [undefined, 'options must be an object, not undefined'],
  [null, 'options must be an object, not null'],
  ['./public', 'options must be an object, not "./public"'],
  [[], 'options must be an object, not []'],
])('%j: %s', (options, message) => {
  const check = (): unknown => Reflect.apply(checkGiven, undefined, [options]);
  expect(check).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }));
  expect(check).toThrow(message);
});

test('messages also show values that JSON cannot represent', () => {
  const application: Record<string, unknown> = {};
  application['self'] = application;
  for (const [options, message] of [
    [{ port: 3n }, 'port must be a whole number from 0 to 65535, not 3n'],
    [{ handler: application }, 'handler must be a function, not <ref *1> { self: [Circular *1] }'],
    [{ handler: Promise.resolve() }, 'handler must be a function, not a promise: await it first'],
    [{ listen: { fd: 3, backlog: 1n } }, 'listen must be HOST:PORT'],
  ] as const) {
    expect(() => checkGiven(options)).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }));
    expect(() => checkGiven(options)).toThrow(message);
  }
});

test('given limits replace the defaults', () => {
  const limits = resolveLimits({ limits: { maxFields: '7' }, timeouts: { keepAliveMs: 100 } });
  expect(limits).toMatchObject({ maxFields: 7, keepAliveTimeoutMs: 100, maxHeaderBytes: 16_384 });
});

test('a string is the root; a host inherits all options but mounts and cache rules', () => {
  expect(resolveStatic('./www')).toMatchObject({ root: './www', index: ['index.html'], hosts: {} });
  const all = resolveStatic({ root: 'a', listing: true, charset: '', cacheControl: 'no-cache', mounts: { '/x': 'y' } });
  expect(settingsOfHost(all, { root: 'b', charset: 'utf-16' })).toMatchObject({
    root: 'b',
    listing: true,
    charset: 'utf-16',
    cacheControl: [],
    mounts: {},
  });
  expect(settingsOfHost(all, 'c')).toMatchObject({ root: 'c', listing: true, charset: '' });
  expect(() => resolveStatic({ root: undefined, listing: true } as never)).toThrow('static.root is missing');
});
