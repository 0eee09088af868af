// A tab of a real browser, with everything that it complains of.

import type { BrowserContext, Page } from 'playwright-core';
import { openBrowser } from './browser.ts';

export interface Tab {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors of the console, of scripts and of requests. */
  readonly problems: string[];
}

/** Opens a tab with a profile of its own; the test's end closes it. */
export async function openTab(): Promise<Tab> {
  const context = await openBrowser();
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
