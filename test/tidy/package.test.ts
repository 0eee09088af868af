// Tests package.json and binding.gyp: which scripts npm runs, which sources are compiled, and that require() can load all
// modules.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folder } from '../support/folder.ts';
import { codeOf, ROOT, sourceFiles } from './source.ts';

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

/** The names of the scripts that npm runs for the script `name`, with options. */
async function ranBy(name: string, ...options: readonly string[]): Promise<readonly string[]> {
  const names = Object.keys(scripts).filter((each) => each.endsWith('build'));
  const echoing = Object.fromEntries(names.map((each) => [each, `node -p "'${each}'"`]));
  const path = await folder({ 'package.json': JSON.stringify({ scripts: echoing }) });
  return spawnSync('npm', ['run', '--silent', ...options, name], { cwd: path, encoding: 'utf8' })
    .stdout.trim()
    .split('\n');
}

describe('npm runs `prebuild` before `build` too', () => {
  test('runs `postprebuild`, which builds the binaries, only after an explicit `prebuild`', async () => {
    expect(scripts).toMatchObject({
      prebuild: 'node scripts/prebuild.js --hook',
      postprebuild: 'node scripts/prebuild.js',
    });
    expect(await ranBy('build')).toEqual(['prebuild', 'build']);
    expect(await ranBy('prebuild')).toEqual(['prebuild', 'postprebuild']);
    expect(await ranBy('prebuild', '--ignore-scripts')).toEqual(['prebuild']);
  });

  test('does nothing as a hook, and ignores options', () => {
    const hook = (...options: readonly string[]): unknown => {
      const args = [join('scripts', 'prebuild.js'), '--hook', ...options];
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
      return [status, stdout, stderr];
    };
    expect(hook()).toEqual([0, '', '']);
    expect(hook('--compare')).toEqual([1, '', expect.stringContaining('say "node scripts/prebuild.js" with them')]);
  });
});

test('binding.gyp compiles each source on at least one platform', async () => {
  const { addonSources } = await import(join(ROOT, 'scripts', 'addon.js'));
  const [linux, mac]: readonly (readonly string[])[] = ['linux', 'darwin'].map((name) => addonSources(ROOT, name));
  const all = sourceFiles('native', ['.cc']).map(({ path }) => path);
  expect([...new Set([...(linux ?? []), ...(mac ?? [])])].sort()).toEqual(all);
  expect(linux?.filter((path) => !mac?.includes(path))).toEqual([
    'native/poller_epoll.cc',
    'native/system_linux.cc',
    'native/file_linux.cc',
  ]);
  expect(mac?.filter((path) => !linux?.includes(path))).toEqual([
    'native/file_other.cc',
    'native/poller_kqueue.cc',
    'native/system_bsd.cc',
  ]);
});

test('no module has a top-level await: require() of Node.js refuses it', () => {
  const awaiting = sourceFiles('src', ['.ts']).filter(({ text }) =>
    /^(?:await\b|(?:export )?(?:const|let) [^;\n]*= await\b|for await\b)/m.test(codeOf(text)),
  );
  expect(awaiting.map(({ path }) => path)).toEqual([]);
});
