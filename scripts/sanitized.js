// A copy of the project whose addon is compiled with sanitizers, for scripts/memory.js and scripts/threads.js. Node.js itself
// is not: the libraries of the sanitizers are loaded in front of it. Needs g++ and its sanitizers.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileAddon } from './addon.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const COMPILER = process.env.CXX ?? 'g++';
/** The sanitizers are slow, and so may the machine be. */
const TEST_TIMEOUT_MS = 240_000;
const COPIED = [
  ...['src', 'native', 'build/modules', 'dist', 'test', 'html', 'examples', 'bench', 'scripts'],
  ...['package.json', 'binding.gyp', 'vitest.config.ts'],
];
const require = createRequire(import.meta.url);

export class SanitizedCopy {
  #name;
  #env;

  /** `libraries`: of the sanitizers, such as asan; `env`: their options. */
  constructor(name, libraries, env) {
    this.#name = name;
    this.folder = join(ROOT, 'build', name);
    const paths = libraries.map((library) => {
      const { stdout } = spawnSync(COMPILER, [`-print-file-name=lib${library}.so`], { encoding: 'utf8' });
      return stdout.trim();
    });
    this.#env = { ...process.env, LD_PRELOAD: paths.join(':'), ...env };
    this.remove();
    mkdirSync(join(this.folder, 'build', 'Release'), { recursive: true });
    for (const each of COPIED) cpSync(join(ROOT, each), join(this.folder, each), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(this.folder, 'node_modules'));
  }

  /** Compiles the sources of the copy, with these flags. */
  compile(flags) {
    return compileAddon({
      root: this.folder,
      platform: process.platform,
      compiler: [COMPILER],
      folder: join(ROOT, 'build', `${this.#name}-objects`),
      output: join(this.folder, 'build', 'Release', 'epoll_server.node'),
      extra: [...flags, '-O1', '-g'],
    });
  }

  /** Runs a program of the copy; returns how it ended, with its output. */
  run(program, ...args) {
    return spawnSync(process.execPath, [program, ...args], { cwd: this.folder, env: this.#env, encoding: 'utf8' });
  }

  /** Runs tests of the copy; `more`: options of vitest. `output`: all that vitest said where one failed, else the counts. */
  test(paths, ...more) {
    const vitest = join(dirname(require.resolve('vitest/package.json')), 'vitest.mjs');
    const options = ['run', '--root', this.folder, '--testTimeout', `${TEST_TIMEOUT_MS}`];
    const { status, signal, stdout, stderr } = this.run(vitest, ...options, ...more, ...paths);
    if (status !== 0)
      return { isPassed: false, output: `${stdout}${stderr}\nthe tests ended with ${signal ?? status}` };
    const counts = stdout.split('\n').filter((line) => /Test Files|Tests/.test(line));
    return { isPassed: true, output: counts.join('\n') };
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
