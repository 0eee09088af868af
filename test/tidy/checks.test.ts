// Tests that CONTRIBUTING.md has the table of checks of .ci/checks.js, and that checks and workflows name existing scripts
// and files.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from './source.ts';

const WORKFLOWS = '.github/workflows';
const textOf = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

interface Check {
  readonly name: string;
  readonly when: string;
  readonly where: string;
  readonly command: string;
}

async function checks(): Promise<readonly Check[]> {
  const { CHECKS } = await import(join(ROOT, '.ci', 'checks.js'));
  return CHECKS;
}

/** The npm scripts that a text runs. */
function scriptsIn(text: string): readonly string[] {
  return [...text.matchAll(/\bnpm (?:run(?: -s| --silent)* )?(test|[a-z]+[\w:-]*)/g)].flatMap(([whole, name = '']) =>
    whole.startsWith('npm run') || name === 'test' ? [name] : [],
  );
}

test('CONTRIBUTING.md lists every check with its time and its systems', async () => {
  const rows = [...textOf('CONTRIBUTING.md').matchAll(/^\| (.+?) +\| (push|night|week|by hand) +\| (.+?) +\|$/gm)];
  expect(rows.map(([, ...cells]) => cells)).toEqual(
    (await checks()).map(({ name, when, where }) => [name, when === 'hand' ? 'by hand' : when, where]),
  );
});

test.each(['poll', 'select', 'scan'])(
  'every folder of tests runs over %s, or is listed as one without a back end',
  async (name) => {
    const { WITHOUT_BACK_END } = await import(join(ROOT, '.ci', 'checks.js'));
    const own = (await checks()).filter(({ command }) => command.includes(`EPOLL_SERVER_BACKEND=${name} `));
    const [push, night] = ['push', 'night'].map((when) => own.find((check) => check.when === when)?.command ?? '');
    const folders = readdirSync(join(ROOT, 'test'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .filter((folder) =>
        readdirSync(join(ROOT, 'test', folder), { recursive: true })
          .join(' ')
          .includes('.test.ts'),
      );
    const left = folders.filter(
      (folder) => push?.includes(`'test/${folder}/**'`) && !night?.includes(` test/${folder}/ `),
    );
    expect(left.sort()).toEqual(folders.filter((folder) => WITHOUT_BACK_END.includes(folder)).sort());
  },
);

test('checks and workflows run existing scripts of package.json', async () => {
  const { scripts } = JSON.parse(textOf('package.json'));
  const workflows = readdirSync(join(ROOT, WORKFLOWS)).map((name) => textOf(join(WORKFLOWS, name)));
  const texts = [...(await checks()).map(({ command }) => command), ...workflows];
  const named = texts.flatMap(scriptsIn);
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});

test.each([
  ['night', 'nightly'],
  ['week', 'weekly'],
])('every check of the %s is a job of the workflow %s', async (wanted, file) => {
  const workflow: unknown = parse(textOf(join(WORKFLOWS, `${file}.yml`)));
  const names = Object(workflow).jobs.checks.strategy.matrix.check;
  expect(names).toEqual((await checks()).filter(({ when }) => when === wanted).map(({ name }) => name));
});

test('issue templates are YAML, and each field has a label', () => {
  const folder = '.github/ISSUE_TEMPLATE';
  const names = readdirSync(join(ROOT, folder)).filter((name) => name !== 'config.yml');
  expect(names.length).toBeGreaterThan(1);
  for (const name of names) {
    const template = Object(parse(textOf(join(folder, name))));
    const fields = [...template.body].filter(({ type }) => type !== 'markdown');
    const labels = fields.map(({ id, attributes }) => typeof id === 'string' && typeof attributes.label === 'string');
    expect([name, typeof template.name, typeof template.description, labels.includes(false)]).toEqual([
      name,
      'string',
      'string',
      false,
    ]);
  }
});

test('workflows are valid YAML with permissions and jobs, and name existing test paths', () => {
  for (const name of readdirSync(join(ROOT, WORKFLOWS))) {
    const text = textOf(join(WORKFLOWS, name));
    const workflow = Object(parse(text));
    expect([name, typeof workflow.permissions, Object.keys(workflow.jobs).length > 0]).toEqual([name, 'object', true]);
    const paths = [...text.matchAll(/(?<=\s)(?:test|scripts|\.ci)\/[\w./-]+/g)].map(([path]) => path);
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  }
});
