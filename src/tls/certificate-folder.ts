// Finds pairs in a folder of certificates: in the layout of certbot (live/NAME/fullchain.pem, privkey.pem), or of lego
// (certificates/NAME.crt, NAME.key).

import { existsSync, readdirSync, statSync } from 'node:fs';
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
export function pairsIn(folder: string): readonly CertificateSource[] {
  const found = [...certbotPairs(folder), ...certbotPairs(join(folder, 'live')), ...legoPairs(folder)];
  found.push(...legoPairs(join(folder, 'certificates')));
  if (found.length > 0) return found;
  namesIn(folder, true);
  throw new EpollServerError(
    'ERR_TLS',
    `${folder} has no pair of a certificate and its key: neither live/NAME/${CHAIN} with ${KEY}, nor certificates/NAME.crt with NAME.key`,
  );
}

function certbotPairs(folder: string): readonly CertificateSource[] {
  return ['', ...namesIn(folder)]
    .map((name) => ({ cert: join(folder, name, CHAIN), key: join(folder, name, KEY) }))
    .filter(({ cert, key }) => isFile(cert) && isFile(key));
}

function legoPairs(folder: string): readonly CertificateSource[] {
  return namesIn(folder)
    .filter((name) => name.endsWith(CERTIFICATE) && !name.endsWith(ISSUER))
    .map((name) => {
      const cert = join(folder, name);
      return { cert, key: `${cert.slice(0, -CERTIFICATE.length)}.key` };
    })
    .filter(({ key }) => isFile(key));
}

function namesIn(folder: string, isNeeded = false): readonly string[] {
  try {
    if (!isNeeded && !existsSync(folder)) return [];
    return readdirSync(folder).sort();
  } catch (error) {
    if (!isNeeded) return [];
    throw new EpollServerError('ERR_TLS', `the folder ${folder} cannot be read: ${messageOf(error)}`);
  }
}

/** A link that leads to a file counts. */
function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
