// A tab of a real browser, with everything that it complains of.

import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';

/** Debian's, or what CHROMIUM names. */
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

export interface Tab {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors of the console, of scripts and of requests. */
  readonly problems: string[];
}

/** Opens a tab with a profile of its own; the test's end closes it. */
export async function openTab(): Promise<Tab> {
  expect(existsSync(CHROMIUM), `${CHROMIUM} is there: install chromium, or name it in CHROMIUM`).toBe(true);
  const profile = await mkdtemp(join(tmpdir(), 'epoll-server-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--autoplay-policy=no-user-gesture-required'],
  });
  onTestFinished(async () => {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('requestfailed', (request) => {
    // A player breaks off what it no longer needs.
    const isBrokenOff = request.resourceType() === 'media' && request.failure()?.errorText === 'net::ERR_ABORTED';
    if (!isBrokenOff) problems.push(`${request.url()}: ${request.failure()?.errorText}`);
  });
  return { page, context, problems };
}
