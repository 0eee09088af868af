// A real browser for one test: Debian's Chromium, closed and forgotten when the test ends.

import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';

/** Debian's, or what CHROMIUM names. */
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

export interface Look {
  readonly width?: number;
  readonly colorScheme?: 'light' | 'dark';
}

export async function openBrowser({ width = 1_280, colorScheme = 'light' }: Look = {}): Promise<BrowserContext> {
  expect(existsSync(CHROMIUM), `${CHROMIUM} is there: install chromium, or name it in CHROMIUM`).toBe(true);
  const profile = await mkdtemp(join(tmpdir(), 'epoll-server-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    headless: true,
    viewport: { width, height: 900 },
    colorScheme,
    args: ['--no-sandbox', '--disable-gpu', '--autoplay-policy=no-user-gesture-required'],
  });
  onTestFinished(async () => {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  });
  return context;
}
