// Tests in a real browser that the default site loads without errors, that cached files are revalidated, and that media
// are played by ranges.

import { readFile, utimes, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { oneBrowser } from '../support/browser.ts';
import { folder } from '../support/folder.ts';
import { REPOSITORY } from '../support/program.ts';
import { start } from '../support/serving.ts';
import { openTab } from '../support/tab.ts';

const openContext = oneBrowser();

test('the default site loads without an error, and a reload transfers no content', async () => {
  let log = '';
  const accessLog = (lines: string): void => {
    log += lines;
  };
  const { server } = await start({ static: `${REPOSITORY}html`, log: { access: accessLog } });
  const { page, problems } = await openTab(openContext);
  const first = await page.goto(server.url.href, { waitUntil: 'networkidle' });
  expect(first?.status()).toBe(200);
  expect(await page.title()).toMatch(/epoll-server/i);
  expect(await page.evaluate('getComputedStyle(document.body).fontFamily'), 'the style is applied').not.toMatch(
    /^"?Times/,
  );
  expect(await page.evaluate('[...document.images].every((image) => image.complete && image.naturalWidth > 0)')).toBe(
    true,
  );
  const picture = await page.screenshot();
  expect(picture.length).toBeGreaterThan(10_000);
  const { SCREENSHOT } = process.env;
  if (SCREENSHOT !== undefined) await writeFile(SCREENSHOT, picture);
  log = '';
  await page.reload({ waitUntil: 'networkidle' });
  expect(log, 'what is there already is validated, not sent').toMatch(/"GET \/ HTTP\/1\.1" 304 /);
  await page.click('a[href*="about"]');
  await page.waitForURL('**/about*');
  const lost = await page.goto(`${server.url}nowhere`);
  expect(lost?.status()).toBe(404);
  expect(problems.filter((text) => !text.includes('404'))).toEqual([]);
});

test('media play, and seeking requests ranges', async () => {
  const root = await folder({
    'index.html':
      '<!doctype html><html lang="en"><title>medium</title><link rel="icon" href="data:,"><audio src="tone.wav" preload="metadata"></audio></html>',
  });
  // Far longer than the part that a browser prefetches.
  await writeFile(`${root}/tone.wav`, wave(600));
  await utimes(`${root}/tone.wav`, 1_600_000_000, 1_600_000_000);
  const { server } = await start({ static: root });
  const { page, problems } = await openTab(openContext);
  const ranges: (readonly [string, number, string])[] = [];
  page.on('response', (response) => {
    if (!response.url().endsWith('.wav')) return;
    ranges.push([
      response.request().headers()['range'] ?? '',
      response.status(),
      response.headers()['content-range'] ?? '',
    ]);
  });
  await page.goto(server.url.href);
  await page.waitForFunction('document.querySelector("audio").readyState >= 1');
  expect(await page.evaluate('Math.round(document.querySelector("audio").duration)')).toBe(600);
  await page.evaluate(`new Promise((resolve, reject) => {
    const audio = document.querySelector('audio');
    audio.onerror = () => reject(new Error(audio.error.message));
    audio.onseeked = () => resolve(audio.currentTime);
    audio.currentTime = 500;
  })`);
  expect(await page.evaluate('document.querySelector("audio").currentTime')).toBe(500);
  await page.evaluate('document.querySelector("audio").play()');
  await page.waitForFunction('document.querySelector("audio").currentTime > 500.2');
  expect(ranges.every(([range, status]) => range !== '' && status === 206)).toBe(true);
  expect(
    ranges.some(([, , range]) => /^bytes [1-9]\d{6,}-/.test(range)),
    'one begins near the place',
  ).toBe(true);
  expect(problems).toEqual([]);
  expect((await readFile(`${root}/tone.wav`)).length).toBeGreaterThan(9_000_000);
});

const LONG = 'a name that goes on and on and on and on and on and on and on and on and on and on and on.tar.gz';

/** Whether each link of the page is on one line, and whether the page is as wide as its window. */
const UNBROKEN = `[
  [...document.querySelectorAll('a')].every((link) => link.getClientRects().length === 1),
  document.documentElement.scrollWidth === innerWidth,
]`;

test('a listing has the default style, and unbroken names on a narrow screen', async () => {
  const root = await folder({ [`${LONG}/x`]: '', [LONG.replace('.', '-')]: 'x'.repeat(1_536), 'a.txt': '' });
  const { server } = await start({ static: { root, listing: true } });
  const { page, problems } = await openTab(openContext);
  for (const width of [375, 1_280]) {
    await page.setViewportSize({ width, height: 800 });
    await page.goto(server.url.href);
    expect(await page.evaluate(UNBROKEN), `${width} px`).toEqual([true, true]);
    const name = await page.evaluate(`(() => {
      const link = [...document.querySelectorAll('td a')].find((each) => each.textContent.endsWith('gz'));
      link.scrollLeft = 10_000;
      return [link.scrollLeft > 0, link.parentElement.title];
    })()`);
    expect(name, 'the whole name can be seen').toEqual([true, LONG.replace('.', '-')]);
  }
  expect(await page.evaluate('getComputedStyle(document.body).fontFamily')).toMatch(/^system-ui/);
  expect(await page.textContent('tr:nth-child(2) td:nth-child(2)')).toBe('1.5 KiB');
  await page.setViewportSize({ width: 375, height: 800 });
  await page.click('td a');
  await page.waitForURL('**/*gz/');
  expect(await page.evaluate(UNBROKEN)).toEqual([true, true]);
  await page.click('h1 a');
  await page.waitForURL(server.url.href);
  const lost = await page.goto(`${server.url}nowhere`);
  expect([lost?.status(), await page.textContent('h1')]).toEqual([404, 'Not Found']);
  expect(problems.filter((text) => !text.includes('404'))).toEqual([]);
}, 60_000);

/** A quiet tone: RIFF, 8,000 samples of 16 bits a second. */
function wave(seconds: number): Buffer {
  const samples = 8_000 * seconds;
  const file = Buffer.alloc(44 + samples * 2);
  file.write('RIFF', 0, 'latin1');
  file.writeUInt32LE(file.length - 8, 4);
  file.write('WAVEfmt ', 8, 'latin1');
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(8_000, 24);
  file.writeUInt32LE(16_000, 28);
  file.writeUInt16LE(2, 32);
  file.writeUInt16LE(16, 34);
  file.write('data', 36, 'latin1');
  file.writeUInt32LE(samples * 2, 40);
  for (let i = 0; i < samples; i++) file.writeInt16LE(Math.round(500 * Math.sin(i / 4)), 44 + i * 2);
  return file;
}
