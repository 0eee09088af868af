// From what is set to what serve() takes. It must not start anything.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { kebab, variableOf } from '../config/names.ts';
import type { Configuration } from '../config/resolve.ts';
import { SETTINGS, type SettingValues } from '../config/settings.ts';
import { EpollServerError } from '../errors.ts';
import type { SiteOptions } from '../files/site-options.ts';
import { LIMIT_NAMES } from '../limits.ts';
import { lossNotice } from '../log/access-log.ts';
import { fileSink, standardSink } from '../log/log-sink.ts';
import { type Sink, traceLossNotice } from '../log/watcher.ts';
import { PACKAGE_ROOT } from '../package.ts';
import type { ServeOptions } from '../server/options.ts';
import { isOnTerminal } from '../workers/role.ts';

const DEFAULT_SITE = join(PACKAGE_ROOT, 'html');

/** Where the results of `compare` lie, from the working folder: the default site shows them at `/compare/`. */
export const RESULTS_FOLDER = 'compare-results';

/** `config`: the file that said some of it, which is served to nobody. */
export function serveOptionsOf(configuration: Configuration, config: string | undefined): ServeOptions {
  const { settings } = configuration;
  const { port, host, listen, logFormat, serverHeader, app, adapter, dynamic, dynamicSuffix, offload } = settings;
  const root = settings.root ?? (app === undefined && dynamic === undefined ? DEFAULT_SITE : undefined);
  if (root === undefined) refuseFileSettings(configuration);
  return only<ServeOptions>({
    ...Object.fromEntries(LIMIT_NAMES.map((name) => [name, settings[name]])),
    port,
    host,
    listen,
    logFormat,
    serverHeader,
    // The kernel reads its variable itself, where the model leaves it a choice.
    backend: configuration.originOf('backend') === variableOf('backend') ? undefined : settings.backend,
    root,
    app,
    adapter,
    dynamic,
    dynamicSuffix,
    offload,
    site: root === undefined ? undefined : siteOptionsOf(settings, config, root === DEFAULT_SITE),
  });
}

/** What the command adds when it serves: where lines are written. `isShared`: other processes write there too. */
export function sinksOf(settings: SettingValues, isShared: boolean): Pick<ServeOptions, 'accessLog' | 'trace'> {
  return only<ServeOptions>({
    accessLog: accessLogSink(settings, isShared),
    trace: settings.trace === true ? standardSink('stderr', { lossNotice: traceLossNotice, isShared }) : undefined,
  });
}

function accessLogSink({ accessLog, logFormat = 'common' }: SettingValues, isShared: boolean): Sink | undefined {
  if (accessLog === false || (accessLog === undefined && !isOnTerminal())) return undefined;
  const options = { lossNotice: lossNotice(logFormat), isShared };
  return accessLog === undefined || accessLog === '-' ? standardSink('stdout', options) : fileSink(accessLog, options);
}

function siteOptionsOf(settings: SettingValues, config: string | undefined, isDefaultSite: boolean): SiteOptions {
  const { index, listing, cleanUrls, spa, cacheControl, charset, dotfiles, compression, securityHeaders } = settings;
  return only<SiteOptions>({
    index,
    listing,
    cleanUrls,
    spa,
    cacheControl,
    types: settings.type,
    charset,
    dotfiles,
    compression,
    securityHeaders,
    hide: settings.hide,
    hideIfServed: config === undefined ? undefined : [config],
    mounts: isDefaultSite ? withReport(settings.mount) : settings.mount,
    hosts: settings.vhost,
  });
}

/** The default site shows the newest report of `compare`, if there is one in the working folder when it starts. */
function withReport(mounts: SiteOptions['mounts']): SiteOptions['mounts'] {
  if (!existsSync(join(RESULTS_FOLDER, 'index.html')) || mounts?.['/compare'] !== undefined) return mounts;
  return { ...mounts, '/compare': RESULTS_FOLDER };
}

/** They would be without effect, which nobody wants to find out later. */
function refuseFileSettings({ originOf }: Configuration): void {
  for (const { name, isAboutFiles } of SETTINGS) {
    const origin = originOf(name);
    if (isAboutFiles !== true || origin === undefined || origin === 'default') continue;
    throw new EpollServerError(
      'ERR_OPTION',
      `flags about files say how a folder is served, and there is only an application: give a folder, or not ${kebab(name)} (${origin})`,
    );
  }
}

type Loose<T> = { readonly [Name in keyof T]: T[Name] | undefined };

/** Without what is undefined: an option that is there has a value. */
function only<T extends object>(options: Loose<T>): T {
  const entries: unknown[][] = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries);
}
