// What every client of bench/tls.js offers: one version, one cipher suite and one group.

import { writeFileSync } from 'node:fs';
import { connect } from 'node:tls';

const CIPHER = 'TLS_AES_128_GCM_SHA256';
const GROUP = 'X25519';

/** For `tls.connect`. */
export const TLS_ONLY = {
  minVersion: 'TLSv1.3',
  ciphers: CIPHER,
  ecdhCurve: GROUP,
  servername: 'localhost',
  rejectUnauthorized: false,
};

/** The environment of wrk, whose OpenSSL reads a configuration file, and of autocannon. `file`: where that file goes. */
export function tlsEnvironment(file) {
  writeFileSync(
    file,
    `openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = only
[only]
MinProtocol = TLSv1.3
Ciphersuites = ${CIPHER}
Groups = ${GROUP}
`,
  );
  return { ...process.env, OPENSSL_CONF: file, NODE_OPTIONS: `--tls-min-v1.3 --tls-cipher-list=${CIPHER}` };
}

/** What a server chooses, as text, with the curve of its key. */
export function negotiatedBy(port) {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...TLS_ONLY, host: '127.0.0.1', port }, () => {
      const chosen = [
        socket.getProtocol(),
        socket.getCipher().standardName,
        socket.getEphemeralKeyInfo().name,
        socket.getPeerX509Certificate().publicKey.asymmetricKeyDetails.namedCurve,
      ].join(', ');
      socket.destroy();
      resolve(chosen);
    });
    socket.on('error', reject);
  });
}
