// Tests the text that `npm run compare:docs` writes into docs/models.md, and that the page has the markers for it.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { figuresOf } from '../../../src/tools/compare/figures.ts';
import { standalone } from '../../../src/tools/compare/palette.ts';
import { folder } from '../../support/folder.ts';
import { REPOSITORY, startProgram } from '../../support/program.ts';
import { MODELS, result } from './results.ts';

test('tables, date, command and picture replace the text between the markers', async () => {
  const page = await readFile(join(REPOSITORY, 'docs', 'models.md'), 'utf8');
  const root = await folder({ 'docs/models.md': page, 'a.json': JSON.stringify(result()) });
  for (let i = 0; i < 2; i++) {
    const args = [join(REPOSITORY, 'scripts', 'docs-comparison.js'), join(root, 'a.json'), root];
    const program = startProgram(process.execPath, args);
    expect(await program.ended(), program.stderr).toBe(0);
  }
  const written = await readFile(join(root, 'docs', 'models.md'), 'utf8');
  const begin = '<!-- comparison: made by npm run compare:docs -->';
  const end = '<!-- end of the comparison -->';
  const [before, , after] = page.split(new RegExp(`${begin}|${end}`));
  expect(written.startsWith(`${before}${begin}`)).toBe(true);
  expect(written.endsWith(`${end}${after}`)).toBe(true);
  const between = written.slice(written.indexOf(begin), written.indexOf(end));
  expect(between.indexOf('| epoll | nonblocking |'), 'epoll and the busy loop come first').toBeLessThan(
    between.indexOf('](comparison.svg)'),
  );
  expect(between).toContain('Measured on 2026-11-21 by `npm run compare -- --full`');
  for (const model of MODELS) expect(between).toMatch(new RegExp(`^\\| ${model} +\\|`, 'm'));
  expect(await readFile(join(root, 'docs', 'comparison.svg'), 'utf8')).toMatch(/^<svg xmlns=.*<style>.*<\/svg>\n$/s);
});

test('a missing result is rejected in one line', async () => {
  for (const [args, message] of [
    [[], /there is no result in compare-results/],
    [['/nonexistent.json'], /cannot read/],
  ] as const) {
    const script = join(REPOSITORY, 'scripts', 'docs-comparison.js');
    const program = startProgram(process.execPath, [script, ...args], { cwd: await folder() });
    expect([await program.ended(), program.stderr.trim().split('\n').length]).toEqual([1, 1]);
    expect(program.stderr).toMatch(message);
  }
});

test('the picture contains its own colours, for light and dark', () => {
  const [figure] = figuresOf(result());
  const picture = standalone(figure?.svg ?? '', MODELS);
  for (const name of ['--paper', '--ink', '--soft', '--rule', '--own']) expect(picture).toContain(`${name}:`);
  expect(picture).toContain('prefers-color-scheme:dark');
});
