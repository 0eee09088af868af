// A reporter for vitest: one line of JSON for each test in the file FRAMEWORKS_RESULTS.
import { appendFileSync } from 'node:fs';

const file = process.env.FRAMEWORKS_RESULTS;

function add(result) {
  appendFileSync(file, `${JSON.stringify(result)}\n`);
}

export default class Reporter {
  onTestCaseResult(test) {
    const { state, errors } = test.result();
    const message = errors?.[0]?.stack ?? errors?.[0]?.message;
    add({ file: test.module.moduleId, name: test.fullName, state, message });
  }

  /** A file that does not load has no tests. */
  onTestModuleEnd(module) {
    for (const { stack, message } of module.errors()) {
      add({ file: module.moduleId, name: 'the file loads', state: 'failed', message: stack ?? message });
    }
  }
}
