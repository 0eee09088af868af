// A reporter for `node --test` and borp: one line of JSON for each test in the file FRAMEWORKS_RESULTS. Suites are not
// tests: their names are part of the names of what is in them.
import { appendFileSync } from 'node:fs';

const file = process.env.FRAMEWORKS_RESULTS;
/** The names of the tests that have begun in each file, by nesting. */
const begun = new Map();

function namesOf({ file = '' }) {
  const names = begun.get(file) ?? [];
  begun.set(file, names);
  return names;
}

function stateOf(type, { skip, todo }) {
  if (skip !== undefined || todo !== undefined) return 'skipped';
  return type === 'test:pass' ? 'passed' : 'failed';
}

/** Node wraps what a test throws. */
function messageOf({ error }) {
  const cause = error?.cause ?? error;
  return String(cause?.stack ?? cause ?? '');
}

export default async function* report(events) {
  for await (const { type, data } of events) {
    const names = namesOf(data ?? {});
    if (type === 'test:start') {
      names.length = data.nesting;
      names.push(data.name);
    }
    if ((type !== 'test:pass' && type !== 'test:fail') || data.details?.type === 'suite') continue;
    const name = [...names.slice(0, data.nesting), data.name].join(' > ');
    const state = stateOf(type, data);
    const message = state === 'failed' ? messageOf(data.details) : undefined;
    appendFileSync(file, `${JSON.stringify({ file: data.file, name, state, message })}\n`);
  }
  yield '';
}
