// A tab of a real browser, with the errors that it logs.

import type { BrowserContext, Page } from 'playwright-core';
import type { OpenContext } from './browser.ts';

export interface Tab {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors of the console, of scripts and of requests. */
  readonly problems: string[];
}

/** Opens a tab in a context of its own; the test's end closes it. */
export async function openTab(openContext: OpenContext): Promise<Tab> {
  const context = await openContext();
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('requestfailed', (request) => {
    const error = request.failure()?.errorText;
    // The browser aborts requests that it no longer needs, such as those of a media player or of a page that is left.
    if (error !== 'net::ERR_ABORTED') problems.push(`${request.url()}: ${error}`);
  });
  return { page, context, problems };
}
