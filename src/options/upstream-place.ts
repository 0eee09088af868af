// Where a program listens that runs an application behind this server, as text and checked: `uwsgi:unix:/run/app.sock`,
// `uwsgi:HOST:PORT`, with an optional mount path in front.

import { resolve } from 'node:path';
import { checkListen, listenText, type TcpAddress } from './listen-address.ts';
import { shown } from './problem.ts';

export interface UpstreamPlace {
  /** A mount path such as `/api`; empty: all paths that nothing else handles. */
  readonly mountPath: string;
  readonly address: TcpAddress | { readonly path: string };
}

/** The accepted forms of a text, for messages. */
export const UPSTREAM_FORMS = 'uwsgi:unix:PATH or uwsgi:HOST:PORT, with /PATH= in front for requests below a path';

const UWSGI = 'uwsgi:';

/** @throws Error whose text follows the name of the option: `must be ..., not ...`. */
export function upstreamPlaceOf(text: string): UpstreamPlace {
  const [mountPath, place] = splitPlace(text);
  const address = place.startsWith(UWSGI) ? addressOf(place.slice(UWSGI.length)) : undefined;
  if (address === undefined) throw new Error(`must be ${UPSTREAM_FORMS}, not ${shown(text)}`);
  return { mountPath, address };
}

function addressOf(text: string): UpstreamPlace['address'] | undefined {
  if (text.includes('?') || text.includes(',')) return undefined;
  const { address } = checkListen(text);
  if ('path' in address) return { path: address.path };
  return 'host' in address && address.port > 0 ? address : undefined;
}

function splitPlace(text: string): readonly [mountPath: string, place: string] {
  const equals = text.startsWith('/') ? text.indexOf('=') : -1;
  return equals < 0 ? ['', text] : [text.slice(0, equals), text.slice(equals + 1)];
}

/** The text form. */
export function upstreamPlaceText({ mountPath, address }: UpstreamPlace): string {
  return `${mountPath === '' ? '' : `${mountPath}=`}${upstreamName(address)}`;
}

/** The text form without the mount path, for messages. */
export function upstreamName(address: UpstreamPlace['address']): string {
  return UWSGI + listenText(address);
}

/** Makes a relative path of a socket absolute, starting at `folder`. */
export function rebaseUpstream(text: string, folder: string): string {
  const [mountPath, place] = splitPlace(text);
  const unix = `${UWSGI}unix:`;
  if (!place.startsWith(unix)) return text;
  return `${mountPath === '' ? '' : `${mountPath}=`}${unix}${resolve(folder, place.slice(unix.length))}`;
}
