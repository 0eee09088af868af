// The flag --explain: the rules for one request.

import { EpollServerError } from '../errors.ts';
import type { AskedRequest } from '../rules/explanation.ts';
import type { Setup } from '../server/content.ts';
import type { ExplainedRequest } from './arguments.ts';

/** The lines to print. @throws EpollServerError `ERR_OPTION`: a URL or a field that is none; rules that are wrong. */
export async function explainRules({ settings, content }: Setup, explained: ExplainedRequest): Promise<string> {
  const request = requestOf(explained);
  const [{ explain }, { completeRules }] = await Promise.all([
    import('../rules/explanation.ts'),
    import('../rules/open-rules.ts'),
  ]);
  const { rules } = settings;
  const lines =
    rules === null ? ['There are no rules.'] : explain(completeRules(rules, content.served), content.served, request);
  const { method, target, host } = request;
  return [`${method} ${target}${host === '' ? '' : ` (host ${host})`}`, ...lines, ''].join('\n');
}

function requestOf({ url, method, fields }: ExplainedRequest): AskedRequest {
  const byName = new Map(fields.map(fieldOf));
  const [, scheme, host, target = url] = /^(https?):\/\/([^/?#]+)([^#]*)/i.exec(url) ?? [];
  const sent = target === '' ? '/' : target;
  if (!/^\/[!-~]*$/.test(sent)) throw wrong(`--explain must be a URL or a path that begins with /, not "${url}"`);
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method))
    throw wrong(`--method must be a method such as GET, not "${method}"`);
  const [path = '/', ...query] = sent.split('?');
  const header = (name: string): string | undefined => byName.get(name.toLowerCase());
  return {
    method,
    path,
    query: query.join('?'),
    target: sent,
    scheme: scheme?.toLowerCase() === 'https' ? 'https' : 'http',
    host: host ?? header('host') ?? '',
    header,
  };
}

function fieldOf(text: string): readonly [string, string] {
  const colon = text.indexOf(':');
  if (colon < 1) throw wrong(`--header-field must be of the form "Name: value", not "${text}"`);
  return [text.slice(0, colon).trim().toLowerCase(), text.slice(colon + 1).trim()];
}

/** Rules that never apply, each as a line. */
export async function unreachableOf({ settings, content }: Setup): Promise<readonly string[]> {
  if (settings.rules === null) return [];
  const [{ completeRules }, { unreachableRules }] = await Promise.all([
    import('../rules/open-rules.ts'),
    import('../rules/rule-conflicts.ts'),
  ]);
  return unreachableRules(completeRules(settings.rules, content.served));
}

function wrong(text: string): EpollServerError {
  return new EpollServerError('ERR_OPTION', text);
}
