// Prints each failed test and then `N passed, N failed` from what .ci/run kept, and ends with 1 when anything failed.
//   node summary.js FOLDER_OF_VITEST_JSON CHECK_LOG H1CHECK_LOG EXIT_STATUS FAILED_STEPS
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, log, opinionLog, status, failedSteps] = process.argv.slice(2);

/** Of each failure so many characters are repeated. */
const MAX_MESSAGE = 2_000;

/** The last lines of a long run are often all that is kept of it: a failure's name and message stand there once more. */
function printFailure(report, file, title, message) {
  process.stdout.write(`FAILED (${report}): ${file}: ${title}\n${message.slice(0, MAX_MESSAGE)}\n`);
}

/** The tests of vitest; a file that did not even load counts as one that failed. */
function countTests(report) {
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(join(folder, report), 'utf8'));
  const unloaded = testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
  for (const { name, message } of unloaded) printFailure(report, name, 'did not load', message ?? '');
  for (const { name, assertionResults } of testResults) {
    for (const { status, fullName, failureMessages } of assertionResults) {
      if (status === 'failed') printFailure(report, name, fullName, failureMessages.join('\n'));
    }
  }
  return { passed: numPassedTests, failed: numFailedTests + unloaded.length };
}

/** The last line of a log that says `N passed, N failed`. */
function countLog(path) {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const [, passed = '0', failed = '0'] = /^(\d+) passed, (\d+) failed(?:, \d+ skipped)?$/m.exec(text) ?? [];
  return { passed: Number(passed), failed: Number(failed) };
}

const reports = readdirSync(folder).filter((name) => name.endsWith('.json'));
const counts = [...reports.map(countTests), countLog(log), countLog(opinionLog)];
const passed = counts.reduce((sum, each) => sum + each.passed, 0);
let failed = counts.reduce((sum, each) => sum + each.failed, 0);
// A step that failed for another reason (installing, formatting, types) is a failure too.
if (failed === 0 && (status !== '0' || failedSteps !== '0')) failed = 1;
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exit(failed > 0 ? 1 : 0);
