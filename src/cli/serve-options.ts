// Converts the command's settings to the options of a server.

import { existsSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { COMMAND_OPTIONS, type Configuration, DEFAULT_ORIGIN } from '../config/resolve.ts';
import { countText } from '../count-text.ts';
import { EpollServerError } from '../errors.ts';
import { lossNotice } from '../log/access-log.ts';
import { logLine, logLinesTo, standardErrorLine } from '../log/log-line.ts';
import { fileSink, standardSink } from '../log/log-sink.ts';
import { traceLossNotice } from '../log/request-log.ts';
import { SEVERITY, syslogSink } from '../log/syslog-sink.ts';
import { kebab, variableOf } from '../options/names.ts';
import { groupOf, optionName } from '../options/option.ts';
import type { SettingName, Settings, Sink, StaticSettings } from '../options/option-types.ts';
import { rootOf, staticSettingsOf } from '../options/static-settings.ts';
import type { TlsOption } from '../options/tls-option.ts';
import { upstreamPlaceOf } from '../options/upstream-place.ts';
import { PACKAGE_ROOT } from '../package.ts';
import { type OptionCalls, type ServerSettings, serverSettingsOf } from '../server/options.ts';
import { selfSignedPair } from '../tls/self-signed.ts';
import { secretPathsOf, tlsSettingsOf } from '../tls/tls-settings.ts';
import { isOnTerminal } from '../workers/role.ts';
import { CommandContent, type CommandContentOptions } from './command-content.ts';
import { SYSTEM_LOG } from './written-files.ts';

/** The folder of `compare` results in the working folder. The built-in site shows them at `/compare/`. */
export const RESULTS_FOLDER = 'compare-results';

/** The site in this package. */
const BUILT_IN = join(PACKAGE_ROOT, 'html');

/** Common names of a folder of pages, relative to the working folder, which is tried last. */
const CANDIDATES = ['html', 'public', 'dist', '.'];

/** The first candidate with an index; otherwise the built-in site. */
function defaultRoot(): string {
  return CANDIDATES.find((folder) => existsSync(join(folder, 'index.html'))) ?? BUILT_IN;
}

function isBuiltIn(root: string): boolean {
  return existsSync(root) && existsSync(BUILT_IN) && realpathSync(root) === realpathSync(BUILT_IN);
}

/** The content of the command. `config`: the config file, which is never served. */
export function commandContentOf(configuration: Configuration, config: string | undefined): CommandContent {
  const { settings } = configuration;
  const { adapter, dynamic = null, dynamicSuffix, offload, pythonWorkers: workers, pythonThreads: threads } = settings;
  const { app, mounted } = applicationsOf(settings);
  const proxies = settings.proxy.map(upstreamPlaceOf);
  const isBare = app === null && mounted.length === 0 && dynamic === null && proxies.length === 0;
  const root = settings.root ?? (isBare ? defaultRoot() : undefined);
  const files = filesOf({ ...settings, root }, config);
  if (files === null) refuseFileSettings(configuration);
  // The applications of a configuration find their files beside it.
  const cwd = config === undefined ? process.cwd() : dirname(resolve(config));
  const python = { python: settings.python, workers, threads, cwd };
  return new CommandContent({ files, app, mounted, proxies, dynamic, dynamicSuffix, adapter, offload, python });
}

/** @throws EpollServerError `ERR_OPTION`: two applications for the same requests. */
function applicationsOf({ app: given = [] }: Settings): Pick<CommandContentOptions, 'app' | 'mounted'> {
  const [app, second] = given.filter(({ path }) => path === '');
  if (app !== undefined && second !== undefined) {
    const text = `there are two applications for all paths, ${app.module} and ${second.module}: mount one of them, as in /api=${second.module}`;
    throw new EpollServerError('ERR_OPTION', text);
  }
  const mounted = given.filter(({ path }) => path !== '').map(({ path, module }) => [path, module] as const);
  return { app: app?.module ?? null, mounted };
}

/** The flags that give certificates. */
const CERTIFICATE_FLAGS = '--tls-cert, --tls or --tls-self-signed';

/**
 * The settings of a server, without its logs.
 * @throws EpollServerError `ERR_OPTION`: two options conflict.
 */
export function serverSettingsFor(configuration: Configuration): ServerSettings {
  const { settings, originOf } = configuration;
  const values = new Map<string, unknown>(Object.entries(settings));
  const tls = tlsOf(settings);
  if (tls.length > 0) values.set('tls', tls);
  values.delete('accessLog');
  values.delete('trace');
  // The kernel reads its own variable where the model leaves a choice.
  if (originOf('backend') === variableOf('backend')) values.delete('backend');
  const called: OptionCalls = (name) => {
    const origin = originOf(name) ?? DEFAULT_ORIGIN;
    if (origin !== DEFAULT_ORIGIN) return origin;
    return name === 'tls' ? CERTIFICATE_FLAGS : `--${kebab(name)}`;
  };
  return serverSettingsOf(values, called);
}

/**
 * The destinations of log lines. `isShared`: other processes write to them too.
 * @throws EpollServerError `ERR_ACCESS_LOG`.
 */
export function sinksFor(settings: Settings, isShared: boolean): Pick<ServerSettings, 'accessLog' | 'trace'> {
  const trace = { lossNotice: traceLossNotice, isShared };
  return {
    accessLog: accessLogSink(settings, isShared),
    trace: settings.trace === true ? standardSink('stderr', trace) : undefined,
  };
}

/**
 * The certificates of all flags: those of --tls-cert first, since the first one is for all other server names.
 * @throws EpollServerError `ERR_OPTION`: flags that need others.
 */
function tlsOf({
  tls = [],
  tlsCert,
  tlsKey,
  tlsClientCa,
  tlsClientCert,
  tlsSelfSigned,
}: Settings): readonly TlsOption[] {
  if (tlsCert.length === 0 && tlsKey.length > 0) {
    throw new EpollServerError('ERR_OPTION', '--tls-key is the key of a certificate: add --tls-cert');
  }
  const files = tlsCert.length === 0 ? [] : [{ cert: tlsCert, key: tlsKey.length === 0 ? tlsCert : tlsKey }];
  const own = tlsSelfSigned ? [selfSignedPair()] : [];
  const options: readonly TlsOption[] = [...files, ...tls, ...own];
  const asks = tlsClientCert !== undefined || tlsClientCa.length > 0;
  if (!asks) return options;
  if (tlsClientCert !== 'optional' && tlsClientCa.length === 0) {
    const text = '--tls-client-cert required needs --tls-client-ca, the authorities that sign certificates of clients';
    throw new EpollServerError('ERR_OPTION', text);
  }
  if (options.length === 0) {
    throw new EpollServerError(
      'ERR_OPTION',
      `certificates of clients need one of the server: add ${CERTIFICATE_FLAGS}`,
    );
  }
  const shared = {
    requestCert: true,
    rejectUnauthorized: tlsClientCert !== 'optional',
    ...(tlsClientCa.length === 0 ? {} : { ca: tlsClientCa }),
  };
  return options.map((option) => ({ ...(typeof option === 'string' ? { folder: option } : option), ...shared }));
}

/**
 * Sends the lines about faults where `errorLog` says, from now on. What keeps a server from starting has been said on
 * standard error.
 * @throws EpollServerError `ERR_ACCESS_LOG`.
 */
export function openErrorLog({ errorLog }: Settings, isShared: boolean): void {
  if (errorLog === undefined) return;
  if (errorLog === SYSTEM_LOG) {
    logLinesTo(syslogSink(SEVERITY.ERROR, standardErrorLine));
    return;
  }
  const stamp = (text: string): string => `${new Date().toISOString()} [${process.pid}] ${text}`;
  const sink = fileSink(errorLog, { lossNotice: (lines) => stamp(`${countText(lines, 'line')} lost\n`), isShared });
  logLinesTo((text) => sink(stamp(text)));
}

function accessLogSink({ accessLog, errorLog, logFormat }: Settings, isShared: boolean): Sink | undefined {
  if (accessLog === false || (accessLog === undefined && !isOnTerminal())) return undefined;
  if (accessLog === SYSTEM_LOG) {
    return syslogSink(SEVERITY.INFORMATION, errorLog === SYSTEM_LOG ? standardErrorLine : logLine);
  }
  const options = { lossNotice: lossNotice(logFormat), isShared };
  return accessLog === undefined || accessLog === '-' ? standardSink('stdout', options) : fileSink(accessLog, options);
}

function filesOf(settings: Settings, config: string | undefined): StaticSettings | null {
  const files = staticSettingsOf(new Map(Object.entries(settings)));
  if (files === null) return null;
  const tls = tlsOf(settings);
  const secrets = tls.length === 0 ? [] : secretPathsOf(tlsSettingsOf(tls), rootOf(files));
  const hideIfServed = [...files.hideIfServed, ...(config === undefined ? [] : [config]), ...secrets];
  return {
    ...files,
    hideIfServed,
    mounts: files.root !== null && isBuiltIn(files.root) ? withReport(files.mounts) : files.mounts,
  };
}

/** The built-in site shows the newest report of `compare`, if the working folder had one at the start. */
function withReport(mounts: StaticSettings['mounts']): StaticSettings['mounts'] {
  if (!existsSync(join(RESULTS_FOLDER, 'index.html')) || mounts['/compare'] !== undefined) return mounts;
  return { ...mounts, '/compare': RESULTS_FOLDER };
}

/** Options about files without files have no effect: reject them at the start. */
function refuseFileSettings({ originOf }: Configuration): void {
  for (const option of COMMAND_OPTIONS.filter((each) => groupOf(each) === 'static')) {
    // The names of COMMAND_OPTIONS are those of the settings.
    const origin = originOf(optionName(option) as SettingName);
    if (origin === undefined || origin === DEFAULT_ORIGIN) continue;
    throw new EpollServerError(
      'ERR_OPTION',
      `${origin.startsWith('--') ? origin : `${optionName(option)} (${origin})`} is for files, and no folder is served: add a folder, or remove the option`,
    );
  }
}
