// Where redirects and rewrites lead.

import { encodeName } from '../files/file-name.ts';
import type { HttpRequest } from '../http/handler.ts';
import type { RedirectRule } from '../options/redirect-rule.ts';
import { normalPathOf } from './normal-path.ts';

/** The status of redirects to another spelling of a path: it keeps the method. */
export const PERMANENT_REDIRECT = 308;

/** A rule that applies, and its target. */
export interface Routed {
  readonly rule: RedirectRule;
  readonly target: string;
}

/** Where a request was sent. */
export type SentTo = Pick<HttpRequest, 'scheme' | 'host'>;

/**
 * The first rule that applies to `path`, in its normal form. `ifMissing`: of those for missing paths, or of the others. A
 * redirect to the address that was requested would not end, so it does not apply: `//a.example/** ->
 * https://a.example/:splat` redirects requests over HTTP alone.
 */
export function targetIn(
  rules: readonly RedirectRule[],
  path: string,
  ifMissing: boolean,
  sentTo: SentTo,
): Routed | null {
  const names = namesOf(path);
  for (const rule of rules) {
    if (rule.ifMissing !== ifMissing) continue;
    const target = rule.template.targetOf(names, encodeName);
    if (target !== null && (rule.status === 0 || !isSelf(target, path, sentTo))) return { rule, target };
  }
  return null;
}

/** The names of a path, without empty ones. */
export function namesOf(path: string): readonly string[] {
  return path.split('/').filter((name) => name !== '');
}

/** Whether `target` has the path itself, at the same origin. */
function isSelf(target: string, path: string, { scheme, host }: SentTo): boolean {
  const [sent = ''] = target.split(/[?#]/, 1);
  if (sent.startsWith('/')) return normalPathOf(sent) === path;
  const own = `${scheme}://${host}`;
  if (!URL.canParse(own) || !URL.canParse(sent)) return false;
  const { origin, pathname } = new URL(sent);
  return origin === new URL(own).origin && normalPathOf(pathname) === path;
}

/** The path of a target on this server, and its query; undefined: it has none. */
export function splitTarget(target: string): readonly [path: string, query: string | undefined] {
  const [path = '/', ...rest] = (target.split('#')[0] ?? '').split('?');
  return [path, rest.length === 0 ? undefined : rest.join('?')];
}

/** The query of a request is kept unless the target has one. */
export function withQuery(target: string, query: string): string {
  const hash = target.indexOf('#');
  const end = hash < 0 ? target.length : hash;
  const isKept = query !== '' && !target.slice(0, end).includes('?');
  return isKept ? `${target.slice(0, end)}?${query}${target.slice(end)}` : target;
}

/** The path with a slash at its end, or without one. Null: it has that form, or names a file with an extension. */
export function otherSpelling(sent: string, normal: string, isAdded: boolean): string | null {
  const hasSlash = sent.endsWith('/');
  if (normal === '' || hasSlash === isAdded) return null;
  if (isAdded && normal.slice(normal.lastIndexOf('/') + 1).includes('.')) return null;
  return `/${normal.split('/').map(encodeName).join('/')}${isAdded ? '/' : ''}`;
}
