// Where redirects and rewrites lead.

import { encodeName } from '../files/file-name.ts';
import type { RedirectRule } from '../options/redirect-rule.ts';
import { normalPathOf } from './normal-path.ts';

/** The status of redirects to another spelling of a path: it keeps the method. */
export const PERMANENT_REDIRECT = 308;

/** A rule that applies, and its target. */
interface Routed {
  readonly rule: RedirectRule;
  readonly target: string;
}

/** The first rule that applies. `ifMissing`: of those for missing paths, or of the others. */
export function targetIn(rules: readonly RedirectRule[], path: string, ifMissing: boolean): Routed | null {
  for (const rule of rules) {
    if (rule.ifMissing !== ifMissing) continue;
    const target = rule.template.targetOf(path, encodeName);
    if (target !== null && (rule.status === 0 || !isSelf(target, path))) return { rule, target };
  }
  return null;
}

/** Whether `target` has the path itself: where the page for missing paths is missing, redirects to it would not end. */
function isSelf(target: string, path: string): boolean {
  const [sent = ''] = target.split(/[?#]/, 1);
  return sent.startsWith('/') && normalPathOf(sent) === path;
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
