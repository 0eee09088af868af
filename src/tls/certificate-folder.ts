// Finds pairs in a folder of certificates: in the layout of certbot (live/NAME/fullchain.pem, privkey.pem), or of lego
// (certificates/NAME.crt, NAME.key).

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EpollServerError, messageOf } from '../errors.ts';
import type { CertificateSource } from './certificate.ts';

const CHAIN = 'fullchain.pem';
const KEY = 'privkey.pem';

/** lego keeps the certificates of the issuers beside those of the server. */
const ISSUER = '.issuer.crt';
const CERTIFICATE = '.crt';

/**
 * The pairs below `folder`, by name: its own, those of `live`, and those of `certificates`.
 * @throws EpollServerError `ERR_TLS`: it cannot be read, or has no pair.
 */
export async function pairsIn(folder: string): Promise<readonly CertificateSource[]> {
  const found = [
    ...(await certbotPairs(folder)),
    ...(await certbotPairs(join(folder, 'live'))),
    ...(await legoPairs(folder)),
    ...(await legoPairs(join(folder, 'certificates'))),
  ];
  if (found.length > 0) return found;
  await checkReadable(folder);
  throw new EpollServerError(
    'ERR_TLS',
    `${folder} has no pair of a certificate and its key: neither live/NAME/${CHAIN} with ${KEY}, nor certificates/NAME.crt with NAME.key`,
  );
}

async function certbotPairs(folder: string): Promise<readonly CertificateSource[]> {
  const names = ['', ...(await namesIn(folder))];
  return existingPairs(names.map((name) => ({ cert: join(folder, name, CHAIN), key: join(folder, name, KEY) })));
}

async function legoPairs(folder: string): Promise<readonly CertificateSource[]> {
  const names = (await namesIn(folder)).filter((name) => name.endsWith(CERTIFICATE) && !name.endsWith(ISSUER));
  return existingPairs(
    names.map((name) => {
      const cert = join(folder, name);
      return { cert, key: `${cert.slice(0, -CERTIFICATE.length)}.key` };
    }),
  );
}

/** Looks at one file after the other: the pool of threads is also that of the files that are served. */
async function existingPairs<Pair extends { readonly cert: string; readonly key: string }>(
  pairs: readonly Pair[],
): Promise<readonly Pair[]> {
  const found: Pair[] = [];
  for (const pair of pairs) if ((await isFile(pair.cert)) && (await isFile(pair.key))) found.push(pair);
  return found;
}

/** In their order; empty if the folder cannot be read. */
async function namesIn(folder: string): Promise<readonly string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}

async function checkReadable(folder: string): Promise<void> {
  try {
    await readdir(folder);
  } catch (error) {
    throw new EpollServerError('ERR_TLS', `the folder ${folder} cannot be read: ${messageOf(error)}`);
  }
}

/** A link that leads to a file counts. */
async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() === true;
}
