// Tests the example site end to end in a real browser: with its own config file, the WSGI-style adapter, files and a
// dynamic module.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { oneBrowser } from '../support/browser.ts';
import { ask, get, post } from '../support/client.ts';
import { type Program, portOf, startCommand } from '../support/program.ts';
import { openTab } from '../support/tab.ts';

const openContext = oneBrowser();

const CONFIG = 'examples/mini-framework/site.yaml';
const SECRET = 'a secret that is long enough for a test';

async function startSite(
  env: Readonly<Record<string, string>> = {},
): Promise<{ program: Program; port: number; url: string }> {
  const program = startCommand(['--config', CONFIG, '--port', '0', '--no-access-log'], { env });
  const port = await portOf(program);
  return { program, port, url: `http://127.0.0.1:${port}` };
}

/** Saves screenshots in the folder that SCREENSHOTS names. */
async function picture(page: Page, name: string): Promise<void> {
  const { SCREENSHOTS } = process.env;
  if (SCREENSHOTS === undefined) return;
  for (const width of [1280, 375]) {
    await page.setViewportSize({ width, height: 800 });
    await writeFile(join(SCREENSHOTS, `${name}-${width}.png`), await page.screenshot({ fullPage: true }));
  }
}

/** Expects that no element is wider than the window. */
async function fits(page: Page): Promise<void> {
  await page.setViewportSize({ width: 375, height: 800 });
  expect(await page.evaluate('document.documentElement.scrollWidth'), page.url()).toBeLessThanOrEqual(375);
  await page.setViewportSize({ width: 1280, height: 800 });
}

test('a visitor can browse, write, register, log out and log in again', async () => {
  const { program, url } = await startSite();
  const { page, context, problems } = await openTab(openContext);
  for (const path of ['/', '/about', '/contact', '/register', '/login.py', '/clock.py']) {
    const response = await page.goto(url + path, { waitUntil: 'networkidle' });
    expect(response?.status(), path).toBe(200);
    await fits(page);
    await picture(page, path.replaceAll(/\W/g, '') || 'index');
  }
  expect(await page.textContent('h1')).toMatch(/^\d\d:\d\d:\d\d$/);
  await page.goto(`${url}/contact`);
  await page.fill('[name=email]', '"><script>alert(1)</script>');
  await page.fill('[name=message]', '</textarea><script>alert(2)</script>');
  await page.click('.form button');
  expect(await page.textContent('.error')).toBe('Enter an address such as ada@example.org.');
  expect(await page.inputValue('[name=email]')).toBe('"><script>alert(1)</script>');
  expect(await page.inputValue('[name=message]')).toBe('</textarea><script>alert(2)</script>');
  expect(await page.locator('script').count()).toBe(0);
  await picture(page, 'contact-wrong');
  await page.fill('[name=email]', 'ada@example.org');
  await page.click('.form button');
  expect(page.url()).toBe(`${url}/contact?sent`);
  expect(await page.textContent('[role=status]')).toMatch('Your message has arrived');
  await picture(page, 'contact-sent');

  await page.goto(`${url}/register`);
  await page.fill('[name=name]', 'Ada');
  await page.fill('[name=newPassword]', 'short');
  await page.click('.form button');
  expect(await page.textContent('.error')).toBe('Use at least 10 characters.');
  expect(await page.inputValue('[name=newPassword]')).toBe('');
  await page.fill('[name=newPassword]', 'correct horse');
  await page.click('.form button');
  expect(await page.textContent('.lead strong')).toBe('Ada');
  await picture(page, 'index-known');
  const [cookie] = await context.cookies();
  expect(cookie).toMatchObject({ name: 'session', httpOnly: true, sameSite: 'Lax' });
  await page.click('nav button');
  expect(await page.locator('.lead strong').count()).toBe(0);

  await page.goto(`${url}/login.py`);
  await page.fill('[name=name]', 'ada');
  await page.fill('[name=password]', 'wrong horse');
  await page.click('.form button');
  expect(await page.textContent('.error')).toBe('Name or password is wrong.');
  await page.fill('[name=password]', 'correct horse');
  await page.click('.form button');
  expect(await page.textContent('.lead strong')).toBe('Ada');
  // The browser logs each 422 as an error.
  expect(problems.filter((problem) => !problem.includes('422'))).toEqual([]);
  expect(program.stderr).toBe('');
});

/** The cookies that a browser would store and send. */
async function visit(port: number): Promise<{ cookie: string; token: string }> {
  const answer = await ask(port, get('/login'));
  const cookie = /^(session=[^;]+); Path=\/; Max-Age=3600; HttpOnly; SameSite=Lax$/.exec(
    answer.field('set-cookie') ?? '',
  )?.[1];
  const token = /name="token" value="([^"]+)"/.exec(answer.text)?.[1];
  return { cookie: cookie ?? '', token: token ?? '' };
}

const FORM = 'Content-Type: application/x-www-form-urlencoded';

test('forms of other sites, changed cookies and other content types are rejected', async () => {
  const { port, program } = await startSite({ SESSION_SECRET: SECRET });
  const { cookie, token } = await visit(port);
  const stranger = await visit(port);
  const account = (given: string): string => `name=Eve&newPassword=long+enough+too&token=${given}`;
  const statusOf = async (body: string, ...fields: readonly string[]): Promise<number> =>
    (await ask(port, post('/register', body, ...fields))).status;
  expect(await statusOf(account(''), FORM, `Cookie: ${cookie}`)).toBe(403);
  expect(await statusOf(account(stranger.token), FORM, `Cookie: ${cookie}`)).toBe(403);
  expect(await statusOf(account(token), FORM)).toBe(403);
  expect(await statusOf(account(token), FORM, `Cookie: ${cookie.slice(0, -1)}`)).toBe(403);
  expect(await statusOf(account(token), 'Content-Type: text/plain', `Cookie: ${cookie}`)).toBe(415);
  expect(await statusOf(`${account(token)}&x=${'x'.repeat(20_000)}`, FORM, `Cookie: ${cookie}`)).toBe(413);
  expect(await statusOf(account(token), FORM, `Cookie: ${cookie}`)).toBe(303);
  expect(await statusOf(account(token), FORM, `Cookie: ${cookie}`), 'the name is taken').toBe(422);
  const payload = Buffer.from(JSON.stringify({ id: 'x', user: 'Eve', expires: Date.now() + 1e6 })).toString(
    'base64url',
  );
  const forged = await ask(port, get('/', `Cookie: session=${payload}.${cookie.split('.')[1]}`));
  expect(forged.text).not.toContain('Hello');
  expect((await ask(port, post('/', 'x'))).status).toBe(405);
  expect((await ask(port, get('/login?%3Cscript%3E'))).status).toBe(200);
  expect((await ask(port, get('/%3Cscript%3E'))).text).toContain('GET /&lt;script&gt;');
  expect(program.stderr).toBe('');
});

test('a session survives a restart only if the secret does', async () => {
  const { port, program } = await startSite({ SESSION_SECRET: SECRET });
  const { cookie, token } = await visit(port);
  const body = `name=Mary&newPassword=long+enough+too&token=${token}`;
  const known = /^([^;]+)/.exec(
    (await ask(port, post('/register', body, FORM, `Cookie: ${cookie}`))).field('set-cookie') ?? '',
  )?.[1];
  program.signal('SIGTERM');
  await program.ended();
  const again = await startSite({ SESSION_SECRET: SECRET });
  expect((await ask(again.port, get('/', `Cookie: ${known}`))).text).toContain('Hello, <strong>Mary</strong>');
  const other = await startSite();
  expect((await ask(other.port, get('/', `Cookie: ${known}`))).text).not.toContain('Mary');
});

test('its sources are not served, and a secret that is too short is rejected', async () => {
  const { port } = await startSite();
  for (const path of [
    '/app/site.js',
    '/site.yaml',
    '/dynamic/clock.js',
    '/clock.js',
    '/../app/users.js',
    '/templates/layout.eta',
  ]) {
    expect((await ask(port, get(path))).status, path).toBe(404);
  }
  const program = startCommand(['--config', CONFIG, '--port', '0'], { env: { SESSION_SECRET: 'short' } });
  expect(await program.ended()).toBe(2);
  expect(program.stderr).toMatch(/^epoll-server: [^\n]*SESSION_SECRET must have at least 32 characters[^\n]*\n$/);
});
