// The option `tls`, as users give it: a folder of certificates, or an object with the names of node:tls.

import { resolve } from 'node:path';

/** PEM, or in a string without PEM the path of a file that has it. */
export type PemOrPath = string | Uint8Array;

/** What all certificates of a server share. The names are those of `tls.createServer`. */
interface SharedTlsOptions {
  /** The authorities that sign certificates of clients. */
  readonly ca?: PemOrPath | readonly PemOrPath[] | undefined;
  /** Default: `TLSv1.2`. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
  /** The ciphers of TLS 1.2, as OpenSSL writes them. Default: those with forward secrecy and authentication. */
  readonly ciphers?: string | undefined;
  /** Whether clients are asked for a certificate. */
  readonly requestCert?: boolean | undefined;
  /** Whether clients without an accepted certificate are rejected. Default: true. */
  readonly rejectUnauthorized?: boolean | undefined;
  /** Default: `http/1.1`. Only protocols that this server speaks are possible. */
  readonly ALPNProtocols?: readonly string[] | undefined;
}

/** Certificates with their keys. */
export interface TlsPairOptions extends SharedTlsOptions {
  /** The certificate and those that lead to its root; one for each type of key. */
  readonly cert: PemOrPath | readonly PemOrPath[];
  /** The key of each certificate, in the same order. */
  readonly key: PemOrPath | readonly PemOrPath[];
  /** Of encrypted keys. */
  readonly passphrase?: string | undefined;
}

/** A folder of certificates in the layout of certbot or of lego. */
export interface TlsFolderOptions extends SharedTlsOptions {
  readonly folder: string;
}

export type TlsOptions = TlsPairOptions | TlsFolderOptions;

/** A folder, or an object. */
export type TlsOption = string | TlsOptions;

/** The ALPN protocols that this server speaks (RFC 7301). */
export const ALPN_PROTOCOLS: readonly string[] = ['http/1.1', 'http/1.0'];

const PEM_BEGIN = '-----BEGIN ';

/** Whether a text is PEM itself, not the path of a file. */
export function isPem(text: string): boolean {
  return text.includes(PEM_BEGIN);
}

/** Makes relative paths absolute, starting at `folder`. */
export function rebaseTls(option: TlsOption, folder: string): TlsOption {
  if (typeof option === 'string') return resolve(folder, option);
  const at = (each: PemOrPath): PemOrPath => (typeof each !== 'string' || isPem(each) ? each : resolve(folder, each));
  const ca = option.ca === undefined ? {} : { ca: pemList(option.ca).map(at) };
  if ('folder' in option) return { ...option, ...ca, folder: resolve(folder, option.folder) };
  return { ...option, ...ca, cert: pemList(option.cert).map(at), key: pemList(option.key).map(at) };
}

export function pemList(given: PemOrPath | readonly PemOrPath[]): readonly PemOrPath[] {
  return typeof given === 'string' || given instanceof Uint8Array ? [given] : given;
}
