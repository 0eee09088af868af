// Starts a real browser for a test file: Debian's Chromium. Each test has its own context, which is closed when the test
// ends.

import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium } from 'playwright-core';
import { afterAll, expect, onTestFinished } from 'vitest';

/** Debian's, or what CHROMIUM names. */
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

export interface Look {
  readonly width?: number;
  readonly colorScheme?: 'light' | 'dark';
}

/** Opens a context with its own cookies and cache. */
export type OpenContext = (look?: Look) => Promise<BrowserContext>;

/** Call it at the top of a test file. The returned function starts the browser on its first call. */
export function oneBrowser(): OpenContext {
  let starting: Promise<Browser> | null = null;
  afterAll(async () => (await starting)?.close());
  return async ({ width = 1_280, colorScheme = 'light' } = {}) => {
    expect(existsSync(CHROMIUM), `${CHROMIUM} is there: install chromium, or name it in CHROMIUM`).toBe(true);
    starting ??= chromium.launch({
      executablePath: CHROMIUM,
      headless: true,
      args: ['--no-sandbox', '--disable-gpu', '--autoplay-policy=no-user-gesture-required'],
    });
    const context = await (await starting).newContext({ viewport: { width, height: 900 }, colorScheme });
    onTestFinished(() => context.close());
    return context;
  };
}
