// Names of virtual hosts.

import { domainToASCII } from 'node:url';

/** Longer ones are not host names (RFC 1035 section 2.3.4). */
const MAX_LENGTH = 255;

/** `host` without its port and without a final dot (the DNS root), in lower case. */
export function hostName(host: string): string {
  return host.replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase();
}

/** A name, a wildcard for all names below one, or an IPv6 address. */
const HOST = /^(?:\*\.)?(?:[\w-]+(?:\.[\w-]+)*|\[[\d:a-f.]+\])$/;

/** Whether `name` (in lower case) can be a virtual host: `www.example.org`, `*.example.org`. */
export function isHostName(name: string): boolean {
  return HOST.test(name);
}

/**
 * Whether URL parsers leave `name` (in lower case) as it is. They decode `%65`, map characters (IDNA), and read numbers as
 * addresses, as in `127.1`.
 */
export function isClearHost(name: string): boolean {
  return name.length <= MAX_LENGTH && domainToASCII(name) === name;
}
