// The files of the certificates of a server: looks at their state, and loads those that changed. A pair that cannot be used
// does not keep others from being renewed: of 200 names one may have expired for good.

import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import type { PemOrPath } from '../options/tls-option.ts';
import {
  type Certificate,
  type CertificateSource,
  checkAuthorities,
  checkCertificate,
  type NamedPem,
  readPair,
  readPem,
  sourceName,
} from './certificate.ts';
import { pairsIn } from './certificate-folder.ts';
import { type CertificateMember, CertificateSet } from './certificate-set.ts';
import type { TlsSettings } from './tls-settings.ts';

/** The name of authorities in messages, where they are no file. */
export const CA_NAME = 'ca';

interface SeenPair {
  readonly pair: CertificateSource;
  /** Where it comes from: the file of its certificate, or its place among the settings. */
  readonly source: string;
  readonly isOfFolder: boolean;
  readonly state: string;
}

/** A folder that cannot be read, or has no pair. */
interface SeenProblem {
  readonly folder: string;
  readonly error: unknown;
}

/** What the files were at one time. */
export interface CertificateFiles {
  readonly seen: readonly (SeenPair | SeenProblem)[];
  readonly authoritiesState: string;
  /** Text that differs when a file was replaced, or a link leads elsewhere. */
  readonly state: string;
}

/** What was loaded, and why some of it is not what the files have. */
export interface LoadedCertificates {
  readonly set: CertificateSet;
  readonly problems: readonly string[];
}

/** Looks at one file after the other: the pool of threads is also that of the files that are served. */
export async function lookAtFiles({ sources, ca }: TlsSettings): Promise<CertificateFiles> {
  const seen: (SeenPair | SeenProblem)[] = [];
  for (const [index, source] of sources.entries()) {
    if ('folder' in source) seen.push(...(await seenIn(source.folder)));
    else seen.push(await seenPair(source, `${index}`, false));
  }
  const authoritiesState = await stateOf(ca);
  const states = seen.map((each) => ('error' in each ? messageOf(each.error) : `${each.source} ${each.state}`));
  return { seen, authoritiesState, state: [...states, authoritiesState].join('\n') };
}

async function seenIn(folder: string): Promise<readonly (SeenPair | SeenProblem)[]> {
  try {
    const found: SeenPair[] = [];
    for (const pair of await pairsIn(folder)) found.push(await seenPair(pair, '', true));
    return found;
  } catch (error) {
    return [{ folder, error }];
  }
}

async function seenPair(pair: CertificateSource, place: string, isOfFolder: boolean): Promise<SeenPair> {
  return { pair, source: sourceName(pair.cert, place), isOfFolder, state: await stateOf([pair.cert, pair.key]) };
}

/** The state of those that are files. */
async function stateOf(sources: readonly PemOrPath[]): Promise<string> {
  const states: string[] = [];
  for (const source of sources) {
    const path = sourceName(source, '');
    if (path !== '') states.push(stateText(path, await stat(path, { bigint: true }).catch(() => undefined)));
  }
  return states.join(' ');
}

function stateText(path: string, found: BigIntStats | undefined): string {
  return found === undefined
    ? path
    : `${path} ${found.dev} ${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
}

interface LoadOptions {
  /** Null when the dates of certificates do not matter. */
  readonly nowMs: number | null;
  /** The set in use, which stays where the files have nothing that can be used; null: any problem is an error. */
  readonly previous: CertificateSet | null;
  /** Throws when OpenSSL refuses a certificate. */
  readonly tryOut: (certificate: Certificate) => void;
}

/**
 * Loads what `files` have. Files that did not change are not read again.
 * @throws EpollServerError `ERR_TLS`: one sentence that says what is wrong, and with which file.
 */
export async function loadFiles(
  files: CertificateFiles,
  settings: TlsSettings,
  options: LoadOptions,
): Promise<LoadedCertificates> {
  const { previous } = options;
  const problems: string[] = [];
  const set = await emptySet(files, settings, previous, problems);
  for (const each of files.seen) {
    try {
      if ('error' in each) throw each.error;
      const known = previous?.member(each.source);
      set.add(each.source, known?.state === each.state ? known : await loaded(each, options));
    } catch (error) {
      if (previous === null) throw error;
      const kept = 'error' in each ? previous.sourcesBelow(join(each.folder, '/')) : [each.source];
      const isKept = kept.filter((source) => keep(set, previous, source)).length > 0;
      if (!isKept && !('error' in each || each.isOfFolder)) throw error;
      problems.push(
        `${isKept ? 'a certificate is not renewed, and the old one stays' : 'a new certificate is not used'}: ${messageOf(error)}`,
      );
    }
  }
  return { set, problems };
}

async function loaded({ pair, state }: SeenPair, { nowMs, tryOut }: LoadOptions): Promise<CertificateMember> {
  const certificate = checkCertificate(await readPair(pair), nowMs);
  tryOut(certificate);
  return { certificate, state };
}

/** A set with the authorities alone. */
async function emptySet(
  { authoritiesState }: CertificateFiles,
  { ca }: TlsSettings,
  previous: CertificateSet | null,
  problems: string[],
): Promise<CertificateSet> {
  if (previous?.authoritiesState === authoritiesState)
    return new CertificateSet(previous.authorities, authoritiesState);
  try {
    const pems: NamedPem[] = [];
    for (const source of ca) pems.push(await readPem(source, CA_NAME));
    return new CertificateSet(checkAuthorities(pems), authoritiesState);
  } catch (error) {
    if (previous === null) throw error;
    problems.push(`the authorities of clients are not renewed, and the old ones stay: ${messageOf(error)}`);
    return new CertificateSet(previous.authorities, previous.authoritiesState);
  }
}

/** Adds what `previous` has from `source`; false: nothing, or another certificate is for its names now. */
function keep(set: CertificateSet, previous: CertificateSet, source: string): boolean {
  const member = previous.member(source);
  if (member === undefined) return false;
  try {
    set.add(source, member);
    return true;
  } catch {
    return false;
  }
}
