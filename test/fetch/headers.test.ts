// Tests Headers by the Fetch standard: each rule of its algorithms, for the light class and for Node's.

import { describe, expect, test } from 'vitest';
import { Headers as Light } from '../../src/fetch.ts';
import { construct, IMPLEMENTATIONS } from './implementations.ts';

describe.each(IMPLEMENTATIONS)('$name Headers', ({ Headers }) => {
  test('are made of nothing, pairs, a record, or Headers', () => {
    expect([...new Headers()]).toEqual([]);
    expect([...new Headers(undefined)]).toEqual([]);
    expect([...new Headers([['A', 'b']])]).toEqual([['a', 'b']]);
    expect([...new Headers({ A: 'b', C: 'd' })]).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    const first = new Headers({ A: 'b' });
    const copy = new Headers(first);
    first.set('A', 'c');
    expect(copy.get('a')).toBe('b');
    expect([...new Headers(new Map([['A', 'b']]))]).toEqual([['a', 'b']]);
  });

  test.each([[null], [1], ['text'], [true], [Symbol('x')]])('are not made of %s', (init) => {
    expect(() => construct(Headers, init)).toThrow(TypeError);
  });

  test.each([[[['a']]], [[['a', 'b', 'c']]], [['ab']], [[1]], [[null]]])('are not made of the list %j', (init) => {
    expect(() => construct(Headers, init)).toThrow(TypeError);
  });

  test('of Headers with another iterator have the pairs of that iterator', () => {
    const headers = new Headers({ a: 'b' });
    Object.defineProperty(headers, Symbol.iterator, { value: () => [['c', 'd']][Symbol.iterator]() });
    expect([...new Headers(headers).keys()]).toEqual(['c']);
  });

  test('take all members of a record, converted before any is rejected', () => {
    expect(() => construct(Headers, { [Symbol('x')]: 'y' })).toThrow(TypeError);
    const read: string[] = [];
    const spied = { 'a b': 'x', c: 'd' };
    const spy = new Proxy(spied, {
      get: (target, key) => {
        read.push(String(key));
        return Reflect.get(target, key);
      },
    });
    expect(() => new Headers(spy)).toThrow(TypeError);
    expect(read.filter((key) => key !== 'Symbol(Symbol.iterator)')).toEqual(['a b', 'c']);
  });

  test.each([
    ['the empty name', '', 'x'],
    ['a space', 'a b', 'x'],
    ['a colon', 'a:', 'x'],
    ['a newline', 'a\n', 'x'],
    ['a letter beyond Latin-1', 'ĀB', 'x'],
    ['a letter beyond ASCII', 'é', 'x'],
    ['NUL', 'a', 'b\0c'],
    ['CR', 'a', 'b\rc'],
    ['LF', 'a', 'b\nc'],
    ['CRLF and a field', 'a', 'b\r\nc: d'],
    ['a letter beyond Latin-1 as value', 'a', 'Ā'],
  ])('refuse %s', (_what, name, value) => {
    expect(() => new Headers([[name, value]])).toThrow(TypeError);
    expect(() => new Headers({ [name]: value })).toThrow(TypeError);
    const headers = new Headers({ kept: 'x' });
    expect(() => headers.append(name, value)).toThrow(TypeError);
    expect(() => headers.set(name, value)).toThrow(TypeError);
    expect([...headers]).toEqual([['kept', 'x']]);
    if (value !== 'x') return;
    expect(() => headers.get(name)).toThrow(TypeError);
    expect(() => headers.has(name)).toThrow(TypeError);
    expect(() => headers.delete(name)).toThrow(TypeError);
  });

  test('reject calls without their arguments', () => {
    const headers = new Headers();
    for (const method of ['append', 'set', 'get', 'has', 'delete', 'forEach']) {
      expect(() => Reflect.apply(Reflect.get(headers, method), headers, [])).toThrow(TypeError);
    }
    expect(() => Reflect.apply(headers.append, headers, ['a'])).toThrow(TypeError);
    expect(() => Reflect.apply(headers.get, {}, ['a'])).toThrow(TypeError);
  });

  test.each([
    [' \t\r\nx y\n\r\t ', 'x y'],
    ['', ''],
    ['  ', ''],
    ['\xe9', '\xe9'],
    ['x\ty', 'x\ty'],
    ['\x0bx', '\x0bx'],
  ])('normalize the value %j', (value, normalized) => {
    expect(new Headers([['a', value]]).get('a')).toBe(normalized);
    expect(new Headers({ a: value }).get('a')).toBe(normalized);
  });

  test('convert values that are not strings', () => {
    const headers = new Headers();
    Reflect.apply(headers.append, headers, ['a', 1]);
    Reflect.apply(headers.append, headers, ['b', undefined]);
    Reflect.apply(headers.append, headers, [7, null]);
    expect([...headers]).toEqual([
      ['7', 'null'],
      ['a', '1'],
      ['b', 'undefined'],
    ]);
  });

  test('append, get, has, set and delete ignore case', () => {
    const headers = new Headers({ 'X-A': '1' });
    headers.append('x-a', '2');
    headers.append('X-B', '3');
    expect([headers.get('X-a'), headers.get('x-b'), headers.get('x-c')]).toEqual(['1, 2', '3', null]);
    expect([headers.has('X-A'), headers.has('x-c')]).toEqual([true, false]);
    headers.set('X-A', '4');
    headers.set('X-C', '5');
    expect([...headers]).toEqual([
      ['x-a', '4'],
      ['x-b', '3'],
      ['x-c', '5'],
    ]);
    headers.delete('x-A');
    headers.delete('not-there');
    expect(headers.get('x-a')).toBe(null);
  });

  test('join values with a comma and a space, empty ones too', () => {
    const headers = new Headers();
    for (const value of ['', 'a', '', 'b']) headers.append('x', value);
    expect(headers.get('x')).toBe(', a, , b');
  });

  test('iterate sorted and joined, Set-Cookie apart and in order', () => {
    const headers = new Headers([
      ['b', '1'],
      ['Set-Cookie', 'z'],
      ['A', '2'],
      ['b', '3'],
      ['set-cookie', 'y'],
      ['Set-Cookie2', 'u'],
      ['set-cookie2', 'v'],
    ]);
    const expected = [
      ['a', '2'],
      ['b', '1, 3'],
      ['set-cookie', 'z'],
      ['set-cookie', 'y'],
      ['set-cookie2', 'u, v'],
    ];
    expect([...headers]).toEqual(expected);
    expect([...headers.entries()]).toEqual(expected);
    expect([...headers.keys()]).toEqual(expected.map(([name]) => name));
    expect([...headers.values()]).toEqual(expected.map(([, value]) => value));
    expect(headers.getSetCookie()).toEqual(['z', 'y']);
    expect(headers.get('set-cookie')).toBe('z, y');
    expect(new Headers().getSetCookie()).toEqual([]);
  });

  test('that change during an iteration show the change from its position on', () => {
    const headers = new Headers({ fizz: 'buzz', 'X-Header': 'test' });
    const iterator = headers[Symbol.iterator]();
    expect(iterator.next().value).toEqual(['fizz', 'buzz']);
    headers.append('Set-Cookie', 'a=b');
    expect(iterator.next().value).toEqual(['set-cookie', 'a=b']);
    headers.append('Accept', 'text/html');
    expect(iterator.next().value).toEqual(['set-cookie', 'a=b']);
    expect(iterator.next().value).toEqual(['x-header', 'test']);
    headers.append('set-cookie', 'c=d');
    expect(iterator.next().value).toEqual(['x-header', 'test']);
    expect(iterator.next().done).toBe(true);
  });

  test('forEach gives value, name and the Headers, and its this', () => {
    const headers = new Headers({ B: '1', a: '2' });
    const seen: unknown[] = [];
    headers.forEach(function (this: unknown, value, name, all) {
      seen.push([this, value, name, all === headers]);
    }, 'this');
    expect(seen.map((each) => Object(each).slice(1))).toEqual([
      ['2', 'a', true],
      ['1', 'b', true],
    ]);
    expect(() => Reflect.apply(headers.forEach, headers, [7])).toThrow(TypeError);
  });

  test('have a string tag', () => {
    expect(Object.prototype.toString.call(new Headers())).toBe('[object Headers]');
    expect(Headers.name).toBe('Headers');
  });
});

test('light and Node’s instances pass instanceof of both classes, but subclasses only have their own', () => {
  const Native: typeof globalThis.Headers = Reflect.get(globalThis, 'Headers');
  class Own extends Light {}
  expect(new Light() instanceof Native).toBe(true);
  expect(new Native() instanceof Light).toBe(true);
  expect(new Own() instanceof Light).toBe(true);
  expect(new Light() instanceof Own).toBe(false);
  expect(new Native() instanceof Own).toBe(false);
  expect({} instanceof Light).toBe(false);
});

test('light and Node’s instances can be made from each other', () => {
  const Native: typeof globalThis.Headers = Reflect.get(globalThis, 'Headers');
  const list: [string, string][] = [
    ['a', '1'],
    ['set-cookie', 'x'],
    ['set-cookie', 'y'],
  ];
  expect([...new Native(new Light(list))]).toEqual(list);
  expect([...new Light(new Native(list))]).toEqual(list);
});

test('light ones take only own enumerable properties of a record, in order (Node’s take others too)', () => {
  const record = Object.create({ inherited: 'x' }, { hidden: { value: 'x' }, b: { value: '1', enumerable: true } });
  expect([...new Light(Object.assign(record, { a: '2' }))]).toEqual([
    ['a', '2'],
    ['b', '1'],
  ]);
});
