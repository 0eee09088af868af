// Headers of the PROXY protocol, as a proxy sends them.

export const proxyHeaderOf = {
  /** Version 1. */
  line: (text: string): Buffer => Buffer.from(`PROXY ${text}\r\n`, 'latin1'),
  /** Version 2: version and command, family and transport, and what follows. */
  binary: (command: number, family: number, rest: readonly number[]): Buffer =>
    Buffer.concat([
      Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'),
      Buffer.from([command, family, rest.length >> 8, rest.length & 0xff, ...rest]),
    ]),
};
