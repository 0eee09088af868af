// The options of rules by path and host: a part of the option table.

import { accessRules, rateRules } from './access-rule.ts';
import { corsRules } from './cors-rule.ts';
import { authRules, errorPageRules, maintenanceRules } from './file-rule.ts';
import { headerRules } from './header-rule.ts';
import { toggle } from './kinds.ts';
import type { Option } from './option.ts';
import { redirectRules, rewriteRules, slashRules } from './redirect-rule.ts';

/** In the order in which they apply; docs/rules.md describes them together. */
export const RULE_OPTIONS: readonly Option[] = [
  {
    path: 'rules.maintenance',
    kind: maintenanceRules,
    placeholder: "'[PATTERN] FILE'",
    help: 'respond with 503 while this file exists, with its content as the page unless it is empty',
    default: [],
  },
  {
    path: 'rules.deny',
    kind: accessRules,
    placeholder: "'PATTERN CIDR...'",
    help: 'respond with 403 to clients of these networks: addresses, 10.0.0.0/8, all, private, loopback, unix; wins over --allow',
    default: [],
  },
  {
    path: 'rules.allow',
    kind: accessRules,
    placeholder: "'PATTERN CIDR...'",
    help: 'respond with 403 to clients of all other networks than those of the matching rules',
    default: [],
  },
  {
    path: 'rules.rateLimits',
    flag: 'rateLimit',
    kind: rateRules,
    placeholder: "'PATTERN RATE'",
    help: 'respond with 429 to more requests, as in "/api/** 10/s burst 20 by address" or "by field X-Api-Key"',
    default: [],
  },
  {
    path: 'rules.auth',
    kind: authRules,
    placeholder: "'PATTERN FILE'",
    help: 'require a name and password of this file, as htpasswd -B writes it',
    default: [],
  },
  {
    path: 'rules.redirects',
    flag: 'redirect',
    kind: redirectRules,
    placeholder: "'FROM -> TO [STATUS]'",
    help: 'redirect to another path or URL, as in "/old/:page -> /new/:page 308" or "/docs/** -> /manual/:splat" (status: 301)',
    default: [],
  },
  {
    path: 'rules.trailingSlash',
    kind: slashRules,
    placeholder: "'[PATTERN] POLICY'",
    help: 'redirect to the path with a slash at its end (add), or without one (remove)',
    default: [],
  },
  {
    path: 'rules.rewrites',
    flag: 'rewrite',
    kind: rewriteRules,
    placeholder: "'FROM -> TO [if-missing]'",
    help: 'serve another path in place of the requested one; if-missing: where the response would be 404',
    default: [],
  },
  {
    path: 'rules.headers',
    flag: 'header',
    kind: headerRules,
    placeholder: "'PATTERN: Name: value'",
    help: 'set a response field; "+Name: value" adds one, "-Name" removes it; @hsts, @csp and @cross-origin-isolation are presets',
    default: [],
  },
  {
    path: 'rules.cors',
    kind: corsRules,
    placeholder: "'[PATTERN] [from ORIGIN,...] ...'",
    help: 'let scripts of other origins read responses: all, or as in "/api/** from https://a.example methods GET,PUT credentials"',
    default: [],
  },
  {
    path: 'rules.errorPages',
    flag: 'errorPage',
    kind: errorPageRules,
    placeholder: "'[PATTERN] STATUS FILE'",
    help: 'send this file as the page of a status such as 404, 4xx or 5xx',
    default: [],
  },
  {
    path: 'rules.siteFiles',
    kind: toggle,
    help: 'apply the files _headers and _redirects of a root (syntax of Netlify and Cloudflare Pages); never serve them',
    default: false,
  },
];
