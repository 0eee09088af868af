// Finds data races of the addon with ThreadSanitizer: between threads that have environments of their own, and with the jobs
// in libuv's thread pool. Runs the tests that have several threads or use the pool. First a race is planted, which has to be
// found. Run by `npm run check:threads`; needs g++ and its sanitizers.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SanitizedCopy } from './sanitized.js';

/** Each process with a race writes a file there. */
const REPORTS = fileURLToPath(new URL('../build/threads-reports', import.meta.url));
const FLAGS = ['-fsanitize=thread'];
/** Threads with files of their own, which end while their jobs run. */
const POOL = join('test', 'life', 'programs', 'pool.mjs');
/** Tests that use files in the pool, or serve in several threads. */
const TESTS = [
  'test/life/pool.test.ts',
  'test/life/several.test.ts',
  'test/life/workers.test.ts',
  'test/models/multithread.test.ts',
  'test/files/changing-files.test.ts',
  'test/files/listings.test.ts',
  'test/files/slow-disk.test.ts',
  'test/tls/server.test.ts',
];
const BEGIN_OF_JOB = '  FileSystem* system = &job->owner->system;\n';
/** Descriptors are those of the thread of JavaScript. */
const RACE = '  if (!job->owner->open.IsOpen(job->fd)) return;\n';

// Only the addon is compiled with the sanitizer: what Node.js itself reads and writes is not compared. Locks of both count.
const copy = new SanitizedCopy('threads', ['tsan'], {
  TSAN_OPTIONS: `ignore_noninstrumented_modules=1 log_path=${join(REPORTS, 'race')}`,
});

/** Removes the reports of all processes so far, and returns them. */
function takeReports() {
  mkdirSync(REPORTS, { recursive: true });
  const texts = readdirSync(REPORTS).map((name) => readFileSync(join(REPORTS, name), 'utf8'));
  rmSync(REPORTS, { recursive: true });
  mkdirSync(REPORTS);
  return texts;
}

function fail(...texts) {
  process.stdout.write(`${texts.join('\n')}\nFAILED\n`);
  process.exit(1);
}

takeReports();
process.stdout.write('== a planted race\n');
const job = join(copy.folder, 'native', 'file_jobs.cc');
const source = readFileSync(job, 'utf8');
if (!source.includes(BEGIN_OF_JOB)) fail(`${job} has changed: the race cannot be planted`);
writeFileSync(job, source.replace(BEGIN_OF_JOB, BEGIN_OF_JOB + RACE));
await copy.compile(FLAGS);
const scratch = mkdtempSync(join(tmpdir(), 'epoll-server-'));
const { stdout, stderr } = copy.run(POOL, scratch);
rmSync(scratch, { recursive: true });
if (!takeReports().some((text) => text.includes('data race'))) fail(stdout, stderr, 'the race was not found');
process.stdout.write('found\n== the addon with ThreadSanitizer\n');
writeFileSync(job, source);
await copy.compile(FLAGS);
// Loads of several tests at once would take too long.
const { isPassed, output } = copy.test(TESTS, '--no-file-parallelism');
const found = takeReports();
if (!isPassed || found.length > 0) fail(output, ...found);
process.stdout.write(`${output}\n`);
copy.remove();
process.stdout.write('== no race\n');
