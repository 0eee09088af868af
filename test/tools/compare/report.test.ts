// Tests the report in a real browser: charts with data, use by keyboard, the width of a phone, dark mode, paper, and a
// clean console. The default site shows the report when there is one.

import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { reportPage } from '../../../src/tools/compare/report.ts';
import { writeResult } from '../../../src/tools/compare/result.ts';
import { type Look, oneBrowser } from '../../support/browser.ts';
import { folder } from '../../support/folder.ts';
import { portOf, startCommand } from '../../support/program.ts';
import { start } from '../../support/serving.ts';
import { MODELS, result } from './results.ts';

const openContext = oneBrowser();

interface Tab {
  readonly page: Page;
  readonly problems: string[];
}

async function openReport(look: Look = {}): Promise<Tab> {
  const root = await folder({ 'index.html': reportPage(result()) });
  const { server } = await start({ static: root });
  const context = await openContext(look);
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('console', (message) => problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('request', (request) => {
    if (request.url() !== server.url.href && !request.url().startsWith('data:'))
      problems.push(`fetched ${request.url()}`);
  });
  await page.goto(server.url.href, { waitUntil: 'networkidle' });
  return { page, problems };
}

/** Saves screenshots in the folder that SCREENSHOTS names. */
async function keep(page: Page, name: string): Promise<void> {
  const { SCREENSHOTS } = process.env;
  if (SCREENSHOTS !== undefined) await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
}

test('every chart shows its data within its frame, without requests and without console errors', async () => {
  const { page, problems } = await openReport();
  const charts: { id: string; points: number; bars: number; lines: number; sound: boolean; inside: boolean }[] =
    await page.evaluate(`[...document.querySelectorAll('figure')].map((figure) => {
      const frame = figure.querySelector('svg').getBoundingClientRect();
      const marks = [...figure.querySelectorAll('.point, .bar')];
      return {
        id: figure.id,
        points: figure.querySelectorAll('.point').length,
        bars: figure.querySelectorAll('.bar').length,
        lines: [...figure.querySelectorAll('.line')].filter((line) => line.getTotalLength() > 100).length,
        sound: !/NaN|undefined|Infinity/.test(figure.innerHTML),
        inside: marks.every((mark) => {
          const box = mark.getBoundingClientRect();
          return box.width > 0 && box.left >= frame.left && box.right <= frame.right && box.top >= frame.top && box.bottom <= frame.bottom;
        }),
      };
    })`);
  expect(charts.map(({ id }) => id).slice(0, 4)).toEqual(['idle-cost', 'throughput', 'latency', 'memory']);
  expect(charts).toHaveLength(12);
  for (const { id, sound, inside } of charts) expect([id, sound, inside]).toEqual([id, true, true]);
  const chart = Object.fromEntries(charts.map((each) => [each.id, each]));
  // Three positions of eight models (iterative has none with idle connections); five positions for all of them.
  expect(chart['idle-cost']).toMatchObject({ points: 22, lines: 7 });
  expect(chart['throughput']).toMatchObject({ points: 40, lines: 8 });
  expect(chart['time']).toMatchObject({ bars: 16 });
  expect(chart['rest']).toMatchObject({ bars: 8 });
  await keep(page, 'wide');
  expect(problems).toEqual([]);
});

test('all controls work by keyboard', async () => {
  const { page, problems } = await openReport();
  const focused = (): Promise<string> =>
    page.evaluate('document.activeElement.id || document.activeElement.className || document.activeElement.tagName');
  await page.keyboard.press('Tab');
  expect(await focused()).toBe('skip');
  const seen: string[] = [];
  for (let i = 0; i < 40 && !seen.includes('BODY'); i++) {
    await page.keyboard.press('Tab');
    seen.push(await focused());
    if (seen.at(-1) === 'show-s-poll') await page.keyboard.press('Space');
    if (seen.at(-1) === 'SUMMARY') await page.keyboard.press('Enter');
  }
  for (const model of MODELS) expect(seen).toContain(`show-s-${model}`);
  expect(seen).toContain('SUMMARY');
  expect(seen.filter((name) => name.startsWith('scroll')).length, 'wide tables scroll by keyboard').toBe(3);
  const visible = (selector: string): Promise<boolean> =>
    page.evaluate(`getComputedStyle(document.querySelector('${selector}')).display !== 'none'`);
  expect(await visible('#idle-cost .s-poll')).toBe(false);
  expect(await visible('tr.s-poll')).toBe(false);
  expect(await visible('#idle-cost .s-epoll')).toBe(true);
  expect(await page.evaluate('document.querySelector("details").open')).toBe(true);
  expect(problems).toEqual([]);
});

describe('it is readable', () => {
  test('at 375 px: nothing is wider than the page, no text too small', async () => {
    const { page } = await openReport({ width: 375 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(375);
    const sizes: number[] = await page.evaluate(`[...document.querySelectorAll('.chart text')].map((text) =>
      parseFloat(getComputedStyle(text).fontSize) * text.ownerSVGElement.getBoundingClientRect().width / 400)`);
    expect(Math.min(...sizes)).toBeGreaterThan(9);
    await keep(page, 'phone');
  });

  test('in dark mode: names contrast with the page', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page } = await openReport({ colorScheme });
      const contrasts: number[] = await page.evaluate(`(() => {
        const light = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map(Number)
          .map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
          .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
        const page = light(getComputedStyle(document.body).backgroundColor);
        return [...document.querySelectorAll('.chart text')].map((text) => light(getComputedStyle(text).fill))
          .map((text) => (Math.max(text, page) + 0.05) / (Math.min(text, page) + 0.05));
      })()`);
      // WCAG 2.2, 1.4.3.
      expect(Math.min(...contrasts)).toBeGreaterThan(4.5);
      await keep(page, colorScheme);
    }
  });

  test('on paper: no chart is cut, and the check boxes are hidden', async () => {
    const { page } = await openReport();
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(255, 255, 255)');
    expect(await page.evaluate('getComputedStyle(document.querySelector(".legend")).display')).toBe('none');
    expect(await page.evaluate('getComputedStyle(document.querySelector("#idle-cost")).breakInside')).toBe('avoid');
    expect((await page.pdf({ format: 'A4' })).length).toBeGreaterThan(20_000);
    await keep(page, 'print');
  });
});

test('/compare/ of the default site explains how to make a report, shows the newest one, and none that was removed', async () => {
  const cwd = await folder();
  const results = join(cwd, 'compare-results');
  await mkdir(results);
  const without = startCommand(['0', '--no-access-log'], { cwd });
  const there = async (port: number) =>
    fetch(`http://127.0.0.1:${port}/compare/`, { headers: { connection: 'close' } });
  const explained = await there(await portOf(without));
  expect([explained.status, await explained.text()]).toEqual([200, expect.stringContaining('epoll-server compare')]);
  const older = { ...result(), date: '2026-11-20T10:00:00.000Z' };
  await writeResult(results, older, reportPage(older));
  const { html } = await writeResult(results, result(), reportPage(result()));
  const program = startCommand(['0', '--no-access-log'], { cwd });
  const port = await portOf(program);
  const found = await there(port);
  expect(found.status).toBe(200);
  expect(await found.text()).toContain('2026-11-21 10:00 UTC');
  await symlink('/etc/hostname', join(results, 'outside.txt'));
  expect((await fetch(`http://127.0.0.1:${port}/compare/outside.txt`)).status).toBe(404);
  await rm(html);
  // The server may use its cached look-up for a second.
  await expect.poll(async () => (await there(port)).status, { timeout: 20_000 }).toBe(404);
  const own = startCommand(['0', cwd, '--no-access-log'], { cwd });
  await writeFile(join(cwd, 'index.html'), 'own');
  expect((await there(await portOf(own))).status, 'a folder of the user has no such page').toBe(404);
});
