// The socket of an encrypted connection, with the questions about TLS that node:tls answers.

import { X509Certificate } from 'node:crypto';
import type { Channel } from '../../connection/channel.ts';
import type { TlsConnection } from '../../http/handler.ts';
import { ServerSocket, type SocketServer } from './server-socket.ts';

const NO_TLS: TlsConnection = {
  protocol: '',
  cipher: '',
  alpnProtocol: '',
  serverName: '',
  isResumed: false,
  certificate: null,
  authorizationError: '',
};

/** Node's codes for the texts of OpenSSL (X509_verify_cert_error_string), where these are usual. */
const CODES: ReadonlyMap<string, string> = new Map([
  ['self-signed certificate', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ['self signed certificate', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ['self-signed certificate in certificate chain', 'SELF_SIGNED_CERT_IN_CHAIN'],
  ['self signed certificate in certificate chain', 'SELF_SIGNED_CERT_IN_CHAIN'],
  ['unable to get local issuer certificate', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
  ['unable to verify the first certificate', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ['certificate signature failure', 'CERT_SIGNATURE_FAILURE'],
  ['certificate chain too long', 'CERT_CHAIN_TOO_LONG'],
  ['path length constraint exceeded', 'PATH_LENGTH_EXCEEDED'],
  ['invalid CA certificate', 'INVALID_CA'],
  ['certificate rejected', 'CERT_REJECTED'],
  ['certificate not trusted', 'CERT_UNTRUSTED'],
  ['certificate has expired', 'CERT_HAS_EXPIRED'],
  ['certificate is not yet valid', 'CERT_NOT_YET_VALID'],
  ['unsuitable certificate purpose', 'INVALID_PURPOSE'],
]);

export class SecureServerSocket extends ServerSocket {
  readonly encrypted = true;
  /** Read once, while the connection is open. */
  readonly #tls: TlsConnection;
  #certificate: X509Certificate | null = null;

  constructor(channel: Channel, server: SocketServer) {
    super(channel, server);
    this.#tls = channel.tls ?? NO_TLS;
  }

  /** The client has sent a certificate, and an authority of the server has signed it. */
  get authorized(): boolean {
    const { certificate, authorizationError } = this.#tls;
    return certificate !== null && authorizationError === '';
  }

  get authorizationError(): string | null {
    const { authorizationError, certificate } = this.#tls;
    if (this.server.requestCert === true && certificate === null) return 'UNABLE_TO_GET_ISSUER_CERT';
    return authorizationError === '' ? null : (CODES.get(authorizationError) ?? authorizationError);
  }

  /** False: the client did not ask for one. */
  get alpnProtocol(): string | false {
    return this.#tls.alpnProtocol || false;
  }

  /** False: the client did not name one. */
  get servername(): string | false {
    return this.#tls.serverName || false;
  }

  getProtocol(): string {
    return this.#tls.protocol;
  }

  getCipher(): { name: string; standardName: string; version: string } {
    const { cipher, protocol } = this.#tls;
    return { name: cipher, standardName: cipher, version: protocol };
  }

  isSessionReused(): boolean {
    return this.#tls.isResumed;
  }

  getPeerX509Certificate(): X509Certificate | undefined {
    const { certificate } = this.#tls;
    if (certificate !== null) this.#certificate ??= new X509Certificate(certificate);
    return this.#certificate ?? undefined;
  }

  /** An empty object: the client has sent none. */
  getPeerCertificate(): object {
    return this.getPeerX509Certificate()?.toLegacyObject() ?? {};
  }

  /** The session belongs to the server, which resumes it by tickets. */
  getSession(): undefined {}
}

// Express, Koa and Fastify ask for own or inherited members alike, some libraries for the name of the class.
Object.defineProperty(SecureServerSocket, 'name', { value: 'TLSSocket' });
