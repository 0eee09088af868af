// From what is set to what a server is started with. It must not start anything.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { splitMount } from '../app/module-file.ts';
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
import { CommandContent, type CommandContentOptions } from './command-content.ts';

const DEFAULT_SITE = join(PACKAGE_ROOT, 'html');

/** Where the results of `compare` lie, from the working folder: the default site shows them at `/compare/`. */
export const RESULTS_FOLDER = 'compare-results';

/** What the command serves. `config`: the file that said some of it, which is never served. */
export function commandContentOf(configuration: Configuration, config: string | undefined): CommandContent {
  const { settings } = configuration;
  const { adapter, dynamic = null, dynamicSuffix, offload = 0 } = settings;
  const { app, mounted } = applicationsOf(settings);
  const isBare = app === null && mounted.length === 0 && dynamic === null;
  const root = settings.root ?? (isBare ? DEFAULT_SITE : undefined);
  if (root === undefined) refuseFileSettings(configuration);
  const files = root === undefined ? null : { ...siteOptionsOf(settings, config, root === DEFAULT_SITE), root };
  return new CommandContent({ files, app, mounted, dynamic, dynamicSuffix, adapter, offload });
}

/** @throws EpollServerError `ERR_OPTION`: two applications are for the same requests. */
function applicationsOf({ app: given = [] }: SettingValues): Pick<CommandContentOptions, 'app' | 'mounted'> {
  const split = [given].flat().map(splitMount);
  const [app, second] = split.filter(({ path }) => path === '');
  if (second !== undefined) {
    const text = `app names two applications for all paths, ${app?.module} and ${second.module}: mount one, as in /api=${second.module}`;
    throw new EpollServerError('ERR_OPTION', text);
  }
  const mounted = split.filter(({ path }) => path !== '').map(({ path, module }) => [path, module] as const);
  return { app: app?.module ?? null, mounted };
}

export function serveOptionsOf(configuration: Configuration): ServeOptions {
  const { settings } = configuration;
  const { port, host, listen, logFormat, serverHeader } = settings;
  return only<ServeOptions>({
    ...Object.fromEntries(LIMIT_NAMES.map((name) => [name, settings[name]])),
    port,
    host,
    listen,
    logFormat,
    serverHeader,
    // The kernel reads its variable itself, where the model leaves it a choice.
    backend: configuration.originOf('backend') === variableOf('backend') ? undefined : settings.backend,
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
