// Tests that a server does what `explain` says, for random rules of a config file and of code, and random requests.

import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { resolveSettings } from '../../src/config/resolve.ts';
import type { Handler, ServeOptions } from '../../src/index.ts';
import { type RulesSettings, rulesSettingsOf } from '../../src/options/rules-settings.ts';
import { type AskedRequest, explain } from '../../src/rules/explanation.ts';
import { completeRules } from '../../src/rules/open-rules.ts';
import { ask } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { readConfig } from '../support/read-config.ts';
import { startHandler } from '../support/serving.ts';

const name = fc.constantFrom('a', 'b', 'c', 'index.html', '*', '{a,b}');
const plainName = fc.constantFrom('a', 'b', 'C', 'index.html', ':x', '*');
const host = fc.constantFrom('', '', '', '//h.example', '//*.h.example');
const end = fc.constantFrom('', '', '/', '/**');
const pathOf = (part: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(host, fc.array(part, { maxLength: 2 }), end)
    .map(([front, parts, back]) => `${front}/${parts.join('/')}${parts.length === 0 ? '**' : back}`);
const pattern = pathOf(name);
const from = pathOf(plainName);
const to = fc.constantFrom(
  '/t/:x',
  '/b',
  '/c/d?q',
  '/index.html',
  'https://e.example/:splat',
  'http://h.example/:splat',
  '/t/:splat',
  '/a/b',
  '/C',
);
const list = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(of, { maxLength: 3 });
const rules = fc.record({
  deny: list(fc.tuple(pattern, fc.constantFrom('all', '10.0.0.0/8', 'loopback')).map((words) => words.join(' '))),
  allow: fc.array(
    fc.tuple(pattern, fc.constantFrom('private', '10.0.0.0/8')).map((words) => words.join(' ')),
    {
      maxLength: 1,
    },
  ),
  redirects: list(fc.record({ from, to, status: fc.constantFrom(302, 307), ifMissing: fc.boolean() })),
  rewrites: list(fc.record({ from, to, ifMissing: fc.boolean() })),
  trailingSlash: list(fc.record({ pattern, policy: fc.constantFrom('add' as const, 'remove' as const) })),
  headers: list(
    fc.tuple(pattern, fc.constantFrom('X-A: 1', '+X-A: 2', '-X-A', 'X-B: 3')).map((each) => each.join(': ')),
  ),
  cors: list(fc.record({ pattern, origins: fc.constantFrom('*', 'https://o.example') })),
});

const requests = fc.array(
  fc.record({
    method: fc.constantFrom('GET', 'GET', 'HEAD', 'POST', 'OPTIONS'),
    path: fc
      .array(fc.constantFrom('a', 'b', 'C', 'c', '%61', 'index.html', '', '..', 'x%2fy', 't'), { maxLength: 3 })
      .map((names) => `/${names.join('/')}`),
    query: fc.constantFrom('', 'k=v'),
    host: fc.constantFrom('h.example', 'x.h.example', 'o.example', 'H.example:80'),
    isPreflight: fc.boolean(),
  }),
  { minLength: 12, maxLength: 12 },
);

function isFound(target: string): boolean {
  return !/[bt]/.test(target.split('?')[0] ?? '');
}

const application: Handler = (request, response) =>
  response.send(isFound(request.target) ? 200 : 404, { 'X-A': '0' }, request.target);

/** What `lines` say about a response: its status and Location, or the target that the application sees. */
function foretold(lines: readonly string[], target: string): readonly [status: number | string, seen: string] {
  const texts = lines.map((line) => line.replace(/^ *\d+\. (.*) {2}# .*$/, '$1'));
  const refused = (some: readonly string[]): boolean => {
    const allows = some.filter((text) => text.startsWith('allow:'));
    const isDenied = some.some((text) => /^deny: 403 for (?:all|loopback)/.test(text));
    return isDenied || (allows.length > 0 && !allows.some((text) => text.includes('private')));
  };
  const isGuard = (text: string): boolean => / \(for \/.*\)$/.test(text);
  if (refused(texts.filter((text) => !isGuard(text)))) return [403, ''];
  const steps = texts.flatMap((text, at) => {
    const [, status, where, condition] =
      /^(?:redirects|trailingSlash|rewrites): (?:(\d+) to|serves) (\S+)( if the response would be 404)?$/.exec(text) ??
      [];
    if (where === undefined) return [];
    const behind = texts.slice(at + 1);
    const guards = behind.slice(0, behind.findIndex((each) => !isGuard(each)) >>> 0);
    return [{ status, where, isConditional: condition !== undefined, guards }];
  });
  let seen = target;
  for (const { status, where, isConditional, guards } of steps.sort(
    (one, other) => Number(one.isConditional) - Number(other.isConditional),
  )) {
    if (isConditional && isFound(seen)) continue;
    if (status !== undefined) return [Number(status), where];
    if (refused(guards)) return [403, ''];
    seen = where;
  }
  return ['', seen];
}

/** The values of X-A and X-B. */
function fieldsOf(lines: readonly string[], isOwn: boolean): readonly (readonly string[])[] {
  let pairs: (readonly [string, string])[] = isOwn ? [['X-A', '0']] : [];
  for (const line of lines) {
    const [, sign, field = '', value = ''] = /headers: ([+-]?)(X-[AB])(?:: (\d))?/.exec(line) ?? [];
    if (field === '') continue;
    if (sign !== '+') pairs = pairs.filter(([each]) => each !== field);
    if (sign !== '-') pairs.push([field, value]);
  }
  return pairs;
}

test('a server does what is explained', { timeout: 60_000 }, async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(rules, requests, async (given, asked) => {
      const settings = await settingsOf(given);
      if (settings === null) return;
      const { port } = await startHandler(application, { rules: given });
      for (const { method, path, query, host: named, isPreflight } of asked) {
        const target = query === '' ? path : `${path}?${query}`;
        const fields = isPreflight ? { origin: 'https://o.example', 'access-control-request-method': 'PUT' } : {};
        const header = (each: string): string | undefined => new Map(Object.entries(fields)).get(each);
        const request: AskedRequest = { method, path, query, target, scheme: 'http', host: named, header };
        const lines = explain(settings, null, request);
        const [status, seen] = foretold(lines, target);
        const isAnswered = isPreflight && method === 'OPTIONS' && lines.some((line) => line.includes('cors: 204'));
        const text = Object.entries(fields).map((pair) => `${pair.join(': ')}\r\n`);
        const head = `${method} ${target} HTTP/1.1\r\nHost: ${named}\r\n${text.join('')}\r\n`;
        const answer = await ask(port, head, { head: method === 'HEAD' });
        const what = `${head}${JSON.stringify(given)}\n${lines.join('\n')}`;
        const wanted = isAnswered && status !== 403 ? [204, ''] : [status, seen];
        const own = wanted[0] === '' ? (isFound(seen) ? 200 : 404) : wanted[0];
        expect([answer.status, answer.field('location') ?? ''], what).toEqual([
          own,
          typeof status === 'number' && status !== 403 && !isAnswered ? seen : '',
        ]);
        if (wanted[0] === '' && method !== 'HEAD') expect(answer.text, what).toBe(seen);
        expect(
          answer.fields.filter(([each]) => /^X-[AB]$/.test(each)),
          what,
        ).toEqual(fieldsOf(lines, wanted[0] === ''));
        compared++;
      }
    }),
    { numRuns: 60, seed: 30 },
  );
  expect(compared).toBeGreaterThan(200);
});

/** The same rules from a config file; null: they contradict each other. */
async function settingsOf(given: NonNullable<ServeOptions['rules']>): Promise<RulesSettings | null> {
  const path = await folder({ 'site.json': JSON.stringify({ rules: given }) });
  try {
    const { settings } = resolveSettings(await readConfig(join(path, 'site.json')));
    const found = rulesSettingsOf(new Map(Object.entries(settings)));
    if (found === null) return null;
    completeRules(found, null);
    return found;
  } catch {
    return null;
  }
}
