// A reporter for mocha: one line of JSON for each test in the file FRAMEWORKS_RESULTS.
const { appendFileSync } = require('node:fs');

const file = process.env.FRAMEWORKS_RESULTS;

class Reporter {
  constructor(runner) {
    const add = (state) => (test, error) => {
      const result = { file: test.file, name: test.fullTitle(), state, message: error?.stack };
      appendFileSync(file, `${JSON.stringify(result)}\n`);
    };
    runner.on('pass', add('passed'));
    runner.on('fail', add('failed'));
    runner.on('pending', add('skipped'));
  }
}

module.exports = Reporter;
