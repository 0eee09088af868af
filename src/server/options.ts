// Checks the options of serve() and resolves them to settings.

import type { FetchApplication } from '../adapters/fetch.ts';
import type { WsgiApplication } from '../adapters/wsgi.ts';
import { EpollServerError, messageOf } from '../errors.ts';
import type { Handler, HttpRequest } from '../http/handler.ts';
import type { Limits } from '../limits.ts';
import { logError } from '../log/error-log.ts';
import { checkGiven } from '../options/check.ts';
import type { LogFormat, ProxyFields } from '../options/choices.ts';
import { type CheckedListen, checkListen, type ListenOption, listenText } from '../options/listen-address.ts';
import { optionNamed } from '../options/lookup.ts';
import { mountsOf } from '../options/mount-paths.ts';
import type { Sink, StaticSettings } from '../options/option-types.ts';
import { limitsOf } from '../options/resolve-limits.ts';
import { type RulesSettings, rulesSettingsOf } from '../options/rules-settings.ts';
import { rootOf, staticSettingsOf } from '../options/static-settings.ts';
import { fromSystemd, isSystemd } from '../options/systemd-sockets.ts';
import type { TlsOption } from '../options/tls-option.ts';
import { type UpstreamPlace, upstreamPlaceOf, upstreamPlaceText } from '../options/upstream-place.ts';
import { secretPathsOf, type TlsSettings, tlsSettingsOf } from '../tls/tls-settings.ts';
import type { ErrorHandler } from './failure-response.ts';
import type { ServeOptions } from './serve-options.ts';

/** The settings of a server: checked options and defaults. */
export interface ServerSettings {
  readonly limits: Limits;
  readonly listen: readonly CheckedListen[];
  /** Null: there is no certificate. */
  readonly tls: TlsSettings | null;
  /** Plaintext requests over TCP are redirected to HTTPS. */
  readonly isRedirecting: boolean;
  /** The address of the admin listener; undefined: there is none, and requests are not measured. */
  readonly admin: CheckedListen | undefined;
  /** Networks whose word on the client counts. */
  readonly trustedProxies: readonly string[];
  readonly proxyFields: ProxyFields;
  readonly requestIds: boolean;
  /** Null: no files are served. */
  readonly files: StaticSettings | null;
  /** Null: there are none. */
  readonly rules: RulesSettings | null;
  /** At most one of these three is set. */
  readonly handler: Handler | undefined;
  readonly fetch: FetchApplication | undefined;
  readonly wsgi: WsgiApplication | undefined;
  /** Programs behind this server; at most one of them is for all paths, and then none of the three above is set. */
  readonly proxies: readonly UpstreamPlace[];
  readonly overrideGlobals: boolean;
  readonly error: ErrorHandler | undefined;
  readonly signal: AbortSignal | undefined;
  /** Undefined: the environment variable decides, or the best back end here. */
  readonly backend: string | undefined;
  readonly serverHeader: string;
  readonly accessLog: Sink | undefined;
  readonly logFormat: LogFormat;
  readonly trace: Sink | undefined;
  readonly onError: (error: unknown, request: HttpRequest | null) => void;
}

/**
 * @throws EpollServerError `ERR_OPTION`: names the option, its value and the expected value, or two options that
 * conflict.
 */
export function checkOptions(options: ServeOptions): ServerSettings {
  const settings = serverSettingsOf(checkGiven(options));
  if (options.static !== undefined && (settings.files?.root ?? null) === null)
    throw wrong('static.root is missing: name the folder to serve');
  return settings;
}

/** What a message calls an option: its name, or the flag or variable that gives it. */
export type OptionCalls = (name: 'httpsRedirect' | 'hsts' | 'tls' | 'trustedProxies') => string;

/**
 * The same for checked values, by option name.
 * @throws EpollServerError `ERR_OPTION`: two options conflict.
 */
export function serverSettingsOf(
  given: ReadonlyMap<string, unknown>,
  called: OptionCalls = (name) => name,
): ServerSettings {
  // The kind of each option has checked its value, and the default of each has the same type.
  const value = <T>(name: string): T => (given.get(name) ?? optionNamed(name).default) as T;
  const applications = ['handler', 'fetch', 'wsgi'].filter((name) => given.has(name));
  if (applications.length > 1)
    throw wrong(
      `set only one of handler, fetch and wsgi, not ${applications.join(' and ')}: each of them handles every request`,
    );
  const proxies = value<readonly string[]>('proxy').map(upstreamPlaceOf);
  checkProxies(proxies, applications);
  const tls = value<readonly TlsOption[] | undefined>('tls');
  const settings = tls === undefined ? null : tlsSettingsOf(tls);
  const listen = listenOf(given, value, called);
  const trustedProxies = value<readonly string[]>('trustedProxies');
  checkProxied(listen, trustedProxies, called);
  return {
    limits: limitsOf(given),
    listen,
    tls: settings,
    isRedirecting: given.has('httpsRedirect'),
    trustedProxies,
    proxyFields: value('proxyFields'),
    requestIds: value('requestIds'),
    admin: adminOf(value('admin')),
    files: filesOf(given, settings),
    rules: rulesSettingsOf(given),
    handler: value('handler'),
    fetch: value('fetch'),
    wsgi: value('wsgi'),
    proxies,
    overrideGlobals: value('overrideGlobals'),
    error: value('error'),
    signal: value('signal'),
    backend: value('backend'),
    serverHeader: value('serverHeader'),
    accessLog: value('accessLog'),
    logFormat: value('logFormat'),
    trace: value('trace'),
    onError: value<ServerSettings['onError'] | undefined>('onError') ?? logError,
  };
}

/** @throws EpollServerError `ERR_OPTION`: a request could go to two applications. */
function checkProxies(proxies: readonly UpstreamPlace[], applications: readonly string[]): void {
  const [first, second] = proxies.filter(({ mountPath }) => mountPath === '').map(upstreamPlaceText);
  if (first !== undefined && second !== undefined)
    throw wrong(`proxy has two programs for all paths: mount one of them, as in /api=${second}`);
  const [application] = applications;
  if (first !== undefined && application !== undefined)
    throw wrong(`proxy and ${application} are both for all paths: mount the program, as in /api=${first}`);
  mountsOf(
    proxies.filter(({ mountPath }) => mountPath !== '').map(({ mountPath }) => [mountPath, null]),
    'a program',
  );
}

/** Keys of certificates are not served, wherever they lie. */
function filesOf(given: ReadonlyMap<string, unknown>, tls: TlsSettings | null): StaticSettings | null {
  const files = staticSettingsOf(given);
  if (files === null || tls === null) return files;
  return { ...files, hideIfServed: [...files.hideIfServed, ...secretPathsOf(tls, rootOf(files))] };
}

/** The addresses of `listen`, or the one of `hostname` and `port`; then the one that redirects. */
function listenOf(
  given: ReadonlyMap<string, unknown>,
  value: <T>(name: string) => T,
  called: OptionCalls,
): readonly CheckedListen[] {
  const addresses = ownAddresses(given, value);
  const port = value<number | undefined>('httpsRedirect');
  if (port === undefined) {
    if (value('hsts') && !given.has('tls') && value<readonly string[]>('trustedProxies').length === 0)
      throw wrong(
        `${called('hsts')} is for HTTPS: set ${called('tls')} too, or ${called('trustedProxies')} if a proxy speaks TLS`,
      );
    return addresses;
  }
  if (!given.has('tls')) throw wrong(`${called('httpsRedirect')} leads to HTTPS: set ${called('tls')} too`);
  const hosts = addresses.flatMap(({ address }) => ('host' in address ? [address.host] : []));
  const [host] = hosts;
  if (host === undefined) throw wrong(`${called('httpsRedirect')} needs an address with a port to redirect to`);
  return [...addresses, { address: { host, port }, options: {}, tls: false }];
}

function ownAddresses(given: ReadonlyMap<string, unknown>, value: <T>(name: string) => T): readonly CheckedListen[] {
  const listen = value<readonly ListenOption[] | undefined>('listen');
  if (listen === undefined) {
    return [{ address: { host: value('host'), port: value('port') }, options: {}, tls: undefined }];
  }
  if (given.has('host') || given.has('port'))
    throw wrong('listen cannot be combined with port or host: put both into listen, as in 127.0.0.1:8080');
  return listen.flatMap(openable);
}

/** @throws EpollServerError `ERR_OPTION`: a listener that would close every connection. */
function checkProxied(listen: readonly CheckedListen[], trustedProxies: readonly string[], called: OptionCalls): void {
  const useless = listen.find(({ address, options }) => options.proxy === true && 'host' in address);
  if (useless === undefined || trustedProxies.length > 0) return;
  const name = listenText(useless.address);
  throw wrong(
    `listen has ${name} with proxy, and no proxy is trusted: name it in ${called('trustedProxies')}, as in 10.0.0.0/8`,
  );
}

function adminOf(admin: ListenOption | undefined): CheckedListen | undefined {
  return admin === undefined ? undefined : openable(admin)[0];
}

/** The sockets that systemd passed, where it has to give them; else the address itself. */
function openable(given: ListenOption): readonly CheckedListen[] {
  if (!isSystemd(given)) return [checkListen(given)];
  try {
    return fromSystemd(given).map(checkListen);
  } catch (error) {
    throw new EpollServerError('ERR_LISTEN', `cannot listen on ${given}: ${messageOf(error)}`, { cause: error });
  }
}

function wrong(text: string): EpollServerError {
  return new EpollServerError('ERR_OPTION', text);
}
