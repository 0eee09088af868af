// Runs the independent checker test/tools/conformance/h1check.py against this server, with a folder of its own, short
// deadlines, and the slow cases. Further arguments go to the checker.
//   npm run h1check [-- --only GROUP]
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const CHECKER = join(root, 'test', 'tools', 'conformance', 'h1check.py');
/** Cases that are proved to be wrong, each with the RFC text; the file does not exist while there are none. */
const KNOWN = join(root, 'test', 'tools', 'conformance', 'h1check-known-failures.txt');
/** In seconds; the checker gets the same values. */
const DEADLINES = { header: 3, body: 3, idle: 3, write: 4 };
const EXIT_NO_TARGET = 2;

const ms = (seconds) => String(seconds * 1_000);
const OPTIONS = [
  `--firstByteMs=${ms(DEADLINES.header)}`,
  `--headerMs=${ms(DEADLINES.header)}`,
  `--bodyMs=${ms(DEADLINES.body)}`,
  `--keepAliveMs=${ms(DEADLINES.idle)}`,
  `--sendMs=${ms(DEADLINES.write)}`,
];

/** Starts the target; resolves to the process and its port. */
function start(site) {
  const child = spawn(process.execPath, [join(root, 'examples', 'conformance.js'), '0', site, ...OPTIONS]);
  child.stderr.pipe(process.stderr);
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the target ended with ${code} before it listened`)));
    child.stdout.on('data', (text) => {
      const port = /:(\d+)\//.exec(text)?.[1];
      if (port !== undefined) resolve({ child, port });
    });
  });
}

function check(child, port) {
  const deadlines = Object.entries(DEADLINES).flatMap(([name, seconds]) => [`--${name}-timeout`, String(seconds)]);
  const known = existsSync(KNOWN) ? ['--known-fail', KNOWN] : [];
  const args = ['-q', '--slow', '--pid', String(child.pid), ...deadlines, ...known, ...process.argv.slice(2)];
  return new Promise((resolve) => {
    spawn('python3', [CHECKER, ...args, '127.0.0.1', port], { stdio: 'inherit' }).once('exit', resolve);
  });
}

const folder = mkdtempSync(join(tmpdir(), 'epoll-server-h1check-'));
try {
  const made = spawnSync('python3', [CHECKER, '--make-docroot', folder], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`cannot create the site: ${made.error?.message ?? made.stderr}`);
  const { child, port } = await start(join(folder, 'www'));
  child.removeAllListeners('exit');
  process.exitCode = await check(child, port);
  if (child.exitCode !== null) {
    process.stderr.write(`the target ended with ${child.exitCode}\n`);
    process.exitCode = EXIT_NO_TARGET;
  }
  child.kill();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = EXIT_NO_TARGET;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
