// Prints `N passed, N failed` from what .ci/run kept, and ends with 1 when anything failed.
//   node summary.js FOLDER_OF_VITEST_JSON CHECK_LOG H1CHECK_LOG EXIT_STATUS FAILED_STEPS
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, log, opinionLog, status, failedSteps] = process.argv.slice(2);

/** The tests of vitest; a file that did not even load counts as one that failed. */
function countTests(report) {
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  const unloaded = testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
  return { passed: numPassedTests, failed: numFailedTests + unloaded.length };
}

/** The last line of a log that says `N passed, N failed`. */
function countLog(path) {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const [, passed = '0', failed = '0'] = /^(\d+) passed, (\d+) failed(?:, \d+ skipped)?$/m.exec(text) ?? [];
  return { passed: Number(passed), failed: Number(failed) };
}

const reports = readdirSync(folder).filter((name) => name.endsWith('.json'));
const counts = [...reports.map((name) => countTests(join(folder, name))), countLog(log), countLog(opinionLog)];
const passed = counts.reduce((sum, each) => sum + each.passed, 0);
let failed = counts.reduce((sum, each) => sum + each.failed, 0);
// A step that failed for another reason (installing, formatting, types) is a failure too.
if (failed === 0 && (status !== '0' || failedSteps !== '0')) failed = 1;
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exit(failed > 0 ? 1 : 0);
