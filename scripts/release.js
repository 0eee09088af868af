// Releases the version of package.json: looks whether everything that names it agrees, compiles the binaries, checks the
// tarball as it is installed, and publishes it with provenance. The workflow `release` runs it for a tag.
//   npm run release -- --dry-run            everything but publishing; what only a release commit has is a note
//   npm run release -- --tag v1.2.3         the tag that is to be published: must be that of the version
//   npm run release -- --notes FILE         writes the section of the changelog there
//   npm run release -- --only-binaries      only whether all binaries are there, for `npm publish` by hand
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sourceDigest } from './addon.js';
import { readOptions } from './arguments.js';
import { prebuildProblems } from './prebuilds.js';
import { runNpm, runOrFail } from './programs.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const options = readOptions(import.meta.url, {
  'dry-run': { type: 'boolean' },
  tag: { type: 'string' },
  notes: { type: 'string' },
  'only-binaries': { type: 'boolean' },
});
const isDry = options['dry-run'] === true;
const textOf = (name) => readFileSync(join(root, name), 'utf8');
const { version, repository } = JSON.parse(textOf('package.json'));

function fail(problems) {
  for (const problem of problems) process.stderr.write(`FAILED: ${problem}\n`);
  process.exit(1);
}

function step(name, run) {
  process.stdout.write(`== ${name}\n`);
  const said = run();
  if (said) process.stdout.write(`${said.trim()}\n`);
}

/** The section of the changelog whose heading begins with `name`; null: there is none. */
function changelogSection(name) {
  const sections = textOf('CHANGELOG.md').split(/^## /m).slice(1);
  const found = sections.find((section) => section.split(/[\s\]]/, 1)[0].replace('[', '') === name);
  return found === undefined ? null : found.slice(found.indexOf('\n') + 1).trim();
}

/** What only the commit of a release has. */
function releaseProblems() {
  const tags = runOrFail('git', ['tag', '--list', `v${version}`], { cwd: root }).trim();
  const changes = runOrFail('git', ['status', '--porcelain'], { cwd: root }).trim();
  return [
    ...(changelogSection(version) === null ? [`CHANGELOG.md has no section "## ${version}"`] : []),
    ...(repository === undefined
      ? ['package.json has no "repository": without it npm publishes no provenance and links of README.md lead nowhere']
      : []),
    ...(changes === '' ? [] : ['there are changes that are not committed']),
    ...(options.tag === undefined && tags !== '' ? [`the tag v${version} is there already: set another version`] : []),
  ];
}

/** What names another version than package.json. */
function versionProblems() {
  const native = /kVersion\[\] = "([^"]+)"/.exec(textOf(join('native', 'version.h')))?.[1];
  const locked = JSON.parse(textOf('package-lock.json')).version;
  return [
    ...(native === version ? [] : [`native/version.h has ${native}, package.json ${version}`]),
    ...(locked === version ? [] : [`package-lock.json has ${locked}, package.json ${version}`]),
    ...(options.tag === undefined || options.tag === `v${version}`
      ? []
      : [`the tag ${options.tag} is not v${version}`]),
  ];
}

function checkVersions() {
  const problems = versionProblems();
  const notes = releaseProblems();
  if (problems.length > 0 || (notes.length > 0 && !isDry)) fail([...problems, ...notes]);
  return [`version ${version}`, ...notes.map((note) => `a release would fail: ${note}`)].join('\n');
}

function writeNotes() {
  const section = changelogSection(version) ?? changelogSection('Unreleased') ?? '';
  if (section === '') fail(['CHANGELOG.md says nothing of this version']);
  if (options.notes !== undefined) writeFileSync(options.notes, `${section}\n`);
  return `${section.split('\n').length} lines of the changelog`;
}

function binaries() {
  const problems = prebuildProblems(root, sourceDigest(root));
  if (problems.length === 0) return 'all six are there, of these sources';
  if (options['only-binaries']) fail(problems.map((problem) => `${problem}: run "npm run prebuild"`));
  return runNpm(['run', '--silent', 'prebuild'], { cwd: root, timeout: 3_600_000 });
}

/** Packs what was checked; publishes it unless this is a dry run. */
function publish() {
  const folder = join(root, 'build', 'package');
  const [{ filename, integrity }] = JSON.parse(
    runNpm(['pack', '--ignore-scripts', '--json', '--pack-destination', folder], { cwd: root }),
  );
  const channel = version.includes('-') ? 'next' : 'latest';
  const args = ['publish', join(folder, filename), '--provenance', '--access', 'public', '--tag', channel];
  if (isDry) return `${filename} ${integrity}\nnot published: npm ${args.join(' ')}`;
  return runNpm([...args, '--ignore-scripts'], { cwd: root });
}

try {
  if (options['only-binaries']) binaries();
  else {
    step('versions', checkVersions);
    step('changelog', writeNotes);
    step('build', () => runNpm(['run', '--silent', 'build'], { cwd: root }));
    step('binaries', binaries);
    step('package', () => runOrFail(process.execPath, [join(root, 'scripts', 'package', 'check.js'), '--all']));
    step('publish', publish);
  }
} catch (error) {
  fail([error.message]);
}
