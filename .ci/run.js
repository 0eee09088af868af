// Runs the checks of .ci/checks.js one after the other. The last lines say what ran where and what did not; the very last
// is `N passed, N failed`.
//   node .ci/run.js push            what runs on each push
//   node .ci/run.js night NAME      one check of the night, or of the week
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHECKS } from './checks.js';

/** Of each failure so many characters are repeated; of each check's output so many are kept for its closing line. */
const MAX_MESSAGE = 2_000;
const MAX_KEPT = 200_000;
const MAX_PUSH_MINUTES = 15;

const [when = 'push', only] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'epoll-server-ci-'));

/** Runs a command of a shell, showing what it says; resolves to its exit code and the end of what it said. */
function run(command) {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-c', `{ ${command}; } 2>&1`], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (piece) => {
      process.stdout.write(piece);
      text = (text + piece).slice(-MAX_KEPT);
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, text }));
  });
}

/** The last lines of a long run are often all that is kept of it: a failure's name and message stand there once more. */
function printFailure(check, file, title, message) {
  process.stdout.write(`FAILED (${check}): ${file}: ${title}\n${message.slice(0, MAX_MESSAGE)}\n`);
}

/** The tests of vitest; a file that did not even load counts as one that failed. */
function countTests(check, report) {
  const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  const unloaded = testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
  for (const { name, message } of unloaded) printFailure(check, name, 'did not load', message ?? '');
  for (const { name, assertionResults } of testResults) {
    for (const { status, fullName, failureMessages } of assertionResults) {
      if (status === 'failed') printFailure(check, name, fullName, failureMessages.join('\n'));
    }
  }
  return { passed: numPassedTests, failed: numFailedTests + unloaded.length, skipped: numPendingTests };
}

/** The first line that says `N passed, N failed`. A command that has no such line is one check itself. */
function countLines(text, code) {
  const [, ...counts] = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/m.exec(text) ?? ['', code === 0 ? 1 : 0];
  const [passed, failed, skipped] = [0, 1, 2].map((index) => Number(counts[index] ?? 0));
  return { passed, failed, skipped };
}

/** Runs one check; a step that fails without a failed test counts as one. */
async function runCheck({ name, command }, index) {
  process.stdout.write(`== ${name}\n`);
  const report = join(folder, `${index}.json`);
  const started = performance.now();
  const { code, text } = await run(command.replaceAll('REPORT', report));
  const counts = existsSync(report) ? countTests(name, report) : countLines(text, code);
  if (code !== 0 && counts.failed === 0) {
    printFailure(name, command, `ended with ${code}`, text.slice(-MAX_MESSAGE));
    counts.failed = 1;
  }
  return { ...counts, minutes: (performance.now() - started) / 60_000, left: untried(text) };
}

/** Lines that name what could not be tried on this machine: checks print them among others. */
function untried(text) {
  return text.split('\n').filter((line) => line.includes('NOT TRIED') || line.includes(': not checked'));
}

/** One line for each check of the table, whether it ran or not, and what those that ran left out. */
function printTable(results) {
  const elsewhere = { push: 'on each push', night: 'each night', week: 'each week', hand: 'by hand' };
  process.stdout.write('\n== what ran\n');
  for (const check of CHECKS) {
    const { passed, failed, skipped, minutes, left = [] } = results.get(check) ?? {};
    const seen =
      passed === undefined
        ? `not here: ${elsewhere[check.when]}`
        : `${passed} passed, ${failed} failed, ${skipped} skipped, ${minutes.toFixed(1)} min`;
    process.stdout.write(`${check.name.padEnd(14)} ${seen.padEnd(46)} ${check.where}\n`);
    for (const line of left) process.stdout.write(`  ${line.trim()}\n`);
  }
}

async function runAll() {
  const results = new Map();
  const asked = CHECKS.filter((check) => check.when === when && (only === undefined || check.name === only));
  if (asked.length === 0) throw new Error(`no check of .ci/checks.js runs by "${process.argv.slice(2).join(' ')}"`);
  for (const [index, check] of asked.entries()) results.set(check, await runCheck(check, index));
  printTable(results);
  const sum = (of) => [...results.values()].reduce((total, each) => total + of(each), 0);
  const minutes = sum((each) => each.minutes);
  const isSlow = when === 'push' && minutes > MAX_PUSH_MINUTES;
  const note = isSlow ? `: more than the ${MAX_PUSH_MINUTES} that a push may take` : '';
  process.stdout.write(`Node.js ${process.versions.node}, ${minutes.toFixed(1)} minutes${note}\n`);
  return { passed: sum((each) => each.passed), failed: sum((each) => each.failed) };
}

let total = { passed: 0, failed: 1 };
try {
  total = await runAll();
} catch (error) {
  process.stdout.write(`FAILED: ${error.stack}\n`);
}
rmSync(folder, { recursive: true, force: true });
process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`);
process.exitCode = total.failed > 0 ? 1 : 0;
