// A handler around that of the content: applies the rules of a request in a fixed order, whatever order they were written
// in. Rules of one kind apply in the order written.

import { type ErrorResponse, problemResponse, sendError, UNAVAILABLE } from '../http/error-response.ts';
import { type FieldInput, pairsOf, precompileFields } from '../http/fields.ts';
import { FilteredResponse } from '../http/filtered-response.ts';
import type { Handler, HttpRequest, HttpResponse } from '../http/handler.ts';
import { outcomeOf } from '../http/next-handler.ts';
import { respondOrElse } from '../http/other-response.ts';
import { addressKey, mappedIPv4 } from '../options/address-set.ts';
import type { AuthRule } from '../options/file-rule.ts';
import { Authorizer } from './authorizer.ts';
import { isPreflight } from './cors-policy.ts';
import { normalPathOf } from './normal-path.ts';
import type { PasswordChecker, PasswordVerdict } from './password-checker.ts';
import type { Plan } from './plan.ts';
import { RewrittenRequest } from './rewritten-request.ts';
import { otherSpelling, PERMANENT_REDIRECT, splitTarget, targetIn, withQuery } from './routing.ts';
import type { Page } from './rule-parts.ts';

type Outcome = void | PromiseLike<void>;

/** The server's responses when a rule refuses a request. */
const FORBIDDEN = problemResponse(403, 'this address may not be requested from your network');
const UNAUTHORIZED = problemResponse(401, 'this address needs a name and a password');
const TOO_MANY = problemResponse(429, 'too many requests, so try again later');
const MAINTENANCE = problemResponse(503, 'this site is being maintained');

/** Fields that describe the content of a response: another one replaces it. */
const OF_CONTENT =
  /^(?:content-(?:type|length|encoding|language|location|disposition|digest|md5)|(?:repr-)?digest|etag|last-modified|accept-ranges)$/i;

/** Statuses with which files redirect to another spelling of a path. */
const MOVED: ReadonlySet<number> = new Set([301, PERMANENT_REDIRECT]);

/** Finds the plan of a request; null: no rule is for it. */
export type FindPlan = (request: HttpRequest) => Plan | null;

export class RulesHandler {
  readonly handler: Handler;
  /** That of the content. Its promise is pending while it has not responded. */
  readonly #next: Handler;
  /** The content of a request that rules have routed. */
  readonly #content: Handler;
  readonly #find: FindPlan;
  readonly #authorizer: Authorizer;
  readonly #nowMs: () => number;

  constructor(next: Handler, find: FindPlan, passwords: PasswordChecker, nowMs: () => number) {
    this.#next = (request, response) => outcomeOf(next(request, response), response);
    this.#content = (request, response) => this.#respondRouted(request, response);
    this.#find = find;
    this.#authorizer = new Authorizer(passwords);
    this.#nowMs = nowMs;
    this.handler = (request, response) => {
      const plan = find(request);
      if (plan === null) return next(request, response);
      const { filter, plainFilter } = plan;
      if (filter === null || plainFilter === null) return this.#apply(plan, request, response);
      const own = filter === plainFilter || isSecure(request) ? filter : plainFilter;
      return next(request, new FilteredResponse(response, own));
    };
  }

  /** The response to write to when the handler failed: the rules apply to it too. */
  responseFor(request: HttpRequest, response: HttpResponse): HttpResponse {
    const plan = this.#find(request);
    return plan === null ? response : this.#wrapped(plan, request, response);
  }

  #apply(plan: Plan, request: HttpRequest, response: HttpResponse): Outcome {
    const wrapped = this.#wrapped(plan, request, response);
    const fresh = plan.whenFresh();
    if (fresh === null) return this.#admit(plan, request, wrapped);
    return fresh.then(() => this.#admit(plan, request, wrapped));
  }

  /** All that follows is sent through the rules for responses: headers, CORS, error pages. */
  #wrapped(plan: Plan, request: HttpRequest, response: HttpResponse): HttpResponse {
    if (!plan.wraps) return response;
    const origin = plan.cors === null ? '' : (request.header('origin') ?? '');
    const secure = isSecure(request);
    return new FilteredResponse(response, (status, fields) => {
      const page = plan.pages.find(({ rule }) => status >= rule.statuses[0] && status < rule.statuses[1]);
      if (page === undefined) return plan.edited(fields, origin, secure);
      response.send(status, plan.edited(pageFields(page, fields), origin, secure), page.content());
      return null;
    });
  }

  /** Maintenance, networks, rates, and preflight requests, which carry no passwords. */
  #admit(plan: Plan, request: HttpRequest, response: HttpResponse): Outcome {
    for (const { rule, type, content } of plan.maintenance) {
      const page = content();
      if (page !== null) return sendMaintenance(request, response, page, type, rule.retryAfterSeconds);
    }
    if (!isAdmitted(plan, request)) return sendError(request, response, FORBIDDEN);
    const waitMs = plan.limits.length === 0 ? 0 : takeTokens(plan.limits, request, this.#nowMs());
    if (waitMs > 0) return sendError(request, response, { ...TOO_MANY, lines: retryAfter(Math.ceil(waitMs / 1_000)) });
    if (plan.cors !== null && isPreflight(request)) return plan.cors.answerPreflight(request, response);
    return this.#authorize(plan, request, response, () => this.#route(plan, request, response));
  }

  /** Calls `then` if each matching rule knows the name and password. */
  #authorize({ auth }: Plan, request: HttpRequest, response: HttpResponse, then: () => Outcome): Outcome {
    const [first] = auth;
    if (first === undefined) return then();
    const go = (verdict: PasswordVerdict): Outcome => {
      if (verdict === 'right') return then();
      if (verdict === 'busy') return sendError(request, response, UNAVAILABLE);
      return sendError(request, response, { ...UNAUTHORIZED, lines: challenge(first.rule) });
    };
    const verdict = this.#authorizer.check(auth, request.header('authorization') ?? '');
    return verdict instanceof Promise ? verdict.then(go) : go(verdict);
  }

  /** Redirects, the policy for slashes, and rewrites; then the content. */
  #route(plan: Plan, request: HttpRequest, response: HttpResponse): Outcome {
    const { redirects, rewrites, slash } = plan;
    if (redirects.length === 0 && rewrites.length === 0 && slash === null) return this.#next(request, response);
    const path = normalPathOf(request.path);
    if (path === null) return this.#next(request, response);
    const redirect = targetIn(redirects, path, false, request);
    if (redirect !== null)
      return sendRedirect(response, redirect.rule.status, withQuery(redirect.target, request.query));
    if (slash !== null && isRead(request)) {
      const isAdded = slash.policy === 'add';
      const moved = otherSpelling(request.path, path, isAdded);
      if (moved !== null) return sendRedirect(response, PERMANENT_REDIRECT, withQuery(moved, request.query));
    }
    const serve = (routed: HttpRequest): Outcome =>
      isRead(request) ? this.#served(plan, path, routed, response) : this.#content(routed, response);
    const rewrite = targetIn(rewrites, path, false, request);
    return rewrite === null ? serve(request) : this.#rewrite(plan, request, response, rewrite.target, serve);
  }

  /** Serves `target` in place of the requested path. The rules that protect it apply too. */
  #rewrite(
    plan: Plan,
    request: HttpRequest,
    response: HttpResponse,
    target: string,
    serve: (routed: HttpRequest) => Outcome,
  ): Outcome {
    const routed = rewritten(request, target);
    const guard = this.#find(routed);
    if (guard === null || guard === plan) return serve(routed);
    if (!isAdmitted(guard, routed)) return sendError(request, response, FORBIDDEN);
    const go = (): Outcome => this.#authorize(guard, request, response, () => serve(routed));
    const fresh = guard.whenFresh();
    return fresh === null ? go() : fresh.then(go);
  }

  /** Serves GET or HEAD; where nothing is served, rules for missing paths apply. */
  #served(plan: Plan, path: string, request: HttpRequest, response: HttpResponse): Outcome {
    const missing = targetIn([...plan.redirects, ...plan.rewrites], path, true, request);
    const content = (to: HttpResponse): Outcome => this.#content(request, to);
    const serve = (to: HttpResponse): Outcome =>
      plan.slash === null
        ? content(to)
        : respondOrElse(to, content, isRespelled, (at) => this.#content(respelled(request), at));
    if (missing === null) return serve(response);
    const { rule, target } = missing;
    return respondOrElse(response, serve, isMissing, (to) =>
      rule.status === 0
        ? this.#rewrite(plan, request, to, target, (routed) => this.#content(routed, to))
        : sendRedirect(to, rule.status, withQuery(target, request.query)),
    );
  }

  /** A page to which a request was rewritten is served, also where files would redirect to its clean URL. */
  #respondRouted(request: HttpRequest, response: HttpResponse): Outcome {
    const clean = request instanceof RewrittenRequest ? cleanPathOf(request.path) : null;
    if (clean === null) return this.#next(request, response);
    const isClean = (status: number, fields: FieldInput): boolean => {
      const name = clean.slice(clean.lastIndexOf('/') + 1);
      return MOVED.has(status) && locationOf(fields).split('?', 1)[0] === `./${name}`;
    };
    const serveClean = (to: HttpResponse): Outcome =>
      this.#next(new RewrittenRequest(request, clean, request.query), to);
    return respondOrElse(response, (to) => this.#next(request, to), isClean, serveClean);
  }
}

function isSecure({ scheme }: HttpRequest): boolean {
  return scheme === 'https';
}

function isRead({ method }: HttpRequest): boolean {
  return method === 'GET' || method === 'HEAD';
}

function isMissing(status: number): boolean {
  return status === 404;
}

function isAdmitted({ deny, allow }: Plan, request: HttpRequest): boolean {
  if (deny.length === 0 && allow.length === 0) return true;
  const { address } = request.remote;
  if (deny.some(({ addresses }) => addresses.has(address))) return false;
  return allow.length === 0 || allow.some(({ addresses }) => addresses.has(address));
}

/** Takes a token of each limiter, or of none. Returns 0, or the milliseconds until there is one. */
function takeTokens(limits: Plan['limits'], request: HttpRequest, nowMs: number): number {
  for (const [index, [{ field }, limiter]] of limits.entries()) {
    const waitMs = limiter.take(clientKey(request, field), nowMs);
    if (waitMs === 0) continue;
    for (const [earlier, taken] of limits.slice(0, index)) taken.giveBack(clientKey(request, earlier.field), nowMs);
    return waitMs;
  }
  return 0;
}

/** The digits of an IPv6 address that name a network of one client: a /64 (RFC 6177). */
const DIGITS_OF_NETWORK = 16;

/** `field`: in lower case; a request without it counts by its address, since a client could leave it out. */
function clientKey(request: HttpRequest, field: string | null): string {
  const value = field === null ? undefined : request.header(field);
  if (value !== undefined && value !== '') return `=${value}`;
  const { address } = request.remote;
  if (!address.includes(':')) return address;
  return mappedIPv4(address) ?? (addressKey(address) ?? address).slice(0, DIGITS_OF_NETWORK);
}

function retryAfter(seconds: number): string {
  return `Retry-After: ${seconds}\r\n`;
}

function challenge({ realm }: AuthRule): string {
  return `WWW-Authenticate: Basic realm="${realm}", charset="UTF-8"\r\n`;
}

function sendMaintenance(
  request: HttpRequest,
  response: HttpResponse,
  page: Buffer,
  type: string,
  seconds: number,
): void {
  const answer: ErrorResponse = { ...MAINTENANCE, lines: retryAfter(seconds) };
  if (page.length === 0) return sendError(request, response, answer);
  response.send(503, { 'Content-Type': type, 'Retry-After': seconds }, page);
}

/** The fields of a response whose content `page` replaces. */
function pageFields({ type }: Page, fields: FieldInput): FieldInput {
  const kept = [...pairsOf(fields)].filter(([name]) => !OF_CONTENT.test(name));
  return precompileFields([...kept, ['Content-Type', type]]);
}

/** Whether files redirect to the path with or without a slash at its end, which the policy forbids. */
function isRespelled(status: number, fields: FieldInput): boolean {
  return MOVED.has(status) && /^(?:\.\/[^/?]+\/|\.\.\/[^/?]+)(?:\?|$)/.test(locationOf(fields));
}

function locationOf(fields: FieldInput): string {
  return [...pairsOf(fields)].find(([name]) => name.toLowerCase() === 'location')?.[1] ?? '';
}

/** The clean URL of a page (`/about` for `/about.html`, `/` for `/index.html`); null: not a page. */
function cleanPathOf(path: string): string | null {
  if (!path.endsWith('.html')) return null;
  return path.slice(0, -(path.endsWith('/index.html') ? 'index.html' : '.html').length);
}

function respelled(request: HttpRequest): HttpRequest {
  const { path, query } = request;
  return new RewrittenRequest(request, path.endsWith('/') ? path.slice(0, -1) : `${path}/`, query);
}

function sendRedirect(response: HttpResponse, status: number, location: string): void {
  response.send(status, { Location: location });
}

function rewritten(request: HttpRequest, target: string): HttpRequest {
  const [path, query = request.query] = splitTarget(target);
  return new RewrittenRequest(request, path, query);
}
