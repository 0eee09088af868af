// Names of virtual hosts.

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
