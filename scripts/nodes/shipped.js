// The project with the binaries of the package, as others get them, instead of the addon that was compiled here: a copy
// in build/nodes/shipped, in which the tests run.
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { page, runOrFail, runToEnd, withServer } from '../programs.js';

const COPIED = [
  ...['src', 'build/modules', 'dist', 'test', 'html', 'examples', 'bench', 'scripts', 'native', 'prebuilds', 'docs'],
  ...['.ci/tools', 'package.json', 'vitest.config.ts', 'tsconfig.json', 'config.schema.json', 'README.md'],
];

/** What is installed and built in docs/ is needed by no test. */
const isNeeded = (path) => !/\/docs\/(?:node_modules|\.vitepress\/(?:cache|dist))$/.test(path);

/** Makes the copy; returns its folder. */
export function copyShipped(root) {
  const copy = join(root, 'build', 'nodes', 'shipped');
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(join(copy, 'build'), { recursive: true });
  for (const name of COPIED) cpSync(join(root, name), join(copy, name), { recursive: true, filter: isNeeded });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

/**
 * Runs tests in `folder` with the program `node`; `worker` is another program that runs the tests alone. Returns how many
 * passed, and what failed.
 */
export function runTests(folder, node, tests, { worker, env = {} } = {}) {
  const report = join(folder, 'build', `tests-${process.pid}.json`);
  rmSync(report, { force: true });
  const config = worker === undefined ? [] : ['--config', join('scripts', 'nodes', 'foreign.config.js')];
  const vitest = join('node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', ...config, '--reporter=json', `--outputFile.json=${report}`, ...tests];
  const { stdout, stderr } = runToEnd(node, args, {
    cwd: folder,
    env: { ...process.env, ...env, ...(worker === undefined ? {} : { WORKER_NODE: worker }) },
    timeout: 3_600_000,
  });
  let results;
  try {
    results = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    throw new Error(`the tests did not run: ${stdout}${stderr}`);
  }
  const failures = results.testResults.flatMap(({ name, status, message, assertionResults }) => {
    const failed = assertionResults.filter((each) => each.status === 'failed');
    const texts = failed.map(({ fullName, failureMessages }) => `${fullName}\n${failureMessages[0]?.slice(0, 1_000)}`);
    if (status === 'failed' && failed.length === 0) texts.push(`did not load: ${message}`);
    return texts.map((text) => `${name.slice(folder.length + 1)}: ${text}`);
  });
  return { passed: results.numPassedTests, failures };
}

/** Applications of many packages behave over this server as over node:http, with the program `node`. */
export function compareApplications(folder, node) {
  return runOrFail(node, [join('scripts', 'applications.js')], { cwd: folder })
    .trim()
    .split('\n')
    .at(-1);
}

/** The command serves a file, with the program `node`. */
export async function serves(folder, node) {
  const command = [node, join(folder, 'dist', 'epoll-server.js'), '0', join(folder, 'html')];
  const text = await withServer(command, { cwd: folder }, (url) => page(`${url}/about.html`));
  if (!text.includes('epoll-server')) throw new Error(`a file was served as ${text.slice(0, 100)}`);
}

/** A Node.js that is too old is refused with one line. */
export function refuses(folder, node) {
  const { exit, stdout, stderr } = runToEnd(node, [join(folder, 'dist', 'epoll-server.js'), '0']);
  const isOneLine = /^epoll-server: [^\n]+\n$/.test(stderr);
  if (exit !== 1 || stdout !== '' || !isOneLine || !stderr.includes(' is too old')) {
    throw new Error(`ended with ${exit} and said ${stdout}${stderr}`);
  }
  return stderr.trim();
}

/** Writes a file of a check into build/nodes; returns its path. */
export function scratchFile(root, name, text) {
  const path = join(root, 'build', 'nodes', name);
  mkdirSync(join(root, 'build', 'nodes'), { recursive: true });
  writeFileSync(path, text);
  return path;
}
