// The framework: from an environ to a handler by its route, from what that returns to an answer. It knows no page.

import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';

/** No form of this site is longer. */
const MAX_FORM_BYTES = 16_384;

const HTML = ['Content-Type', 'text/html; charset=utf-8'];

/** Sent with every page: scripts, styles and forms are this site's own, and nobody frames it. */
const SECURITY = [
  ['X-Content-Type-Options', 'nosniff'],
  ['Referrer-Policy', 'same-origin'],
  [
    'Content-Security-Policy',
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  ],
  ['Cache-Control', 'no-store'],
];

const REASONS = {
  200: 'OK',
  303: 'See Other',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  503: 'Service Unavailable',
};

/** What a handler throws to have `status` answered with a page that says `text`. */
export class Refusal extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

/** One request, as a handler sees it. */
export class Context {
  constructor(environ) {
    this.environ = environ;
    this.method = environ.REQUEST_METHOD;
    /** The tutorials' pages are called /login.py: both names are good. */
    this.path = environ.PATH_INFO.replace(/\.py$/, '');
    this.query = new URLSearchParams(environ.QUERY_STRING);
    /** Fields of the answer, such as Set-Cookie. */
    this.headers = [];
  }

  /** The value of a cookie, or an empty string. */
  cookie(name) {
    const pairs = (this.environ.HTTP_COOKIE ?? '').split(';').map((pair) => pair.trim());
    return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
  }

  /** The fields of the form that was posted. */
  async form() {
    const type = this.environ.CONTENT_TYPE.split(';')[0].trim().toLowerCase();
    if (type !== 'application/x-www-form-urlencoded') throw new Refusal(415, 'A form is expected here.');
    try {
      return new URLSearchParams(await this.environ['wsgi.input'].text(MAX_FORM_BYTES));
    } catch (error) {
      if (error.code === 'ERR_BODY_TOO_LARGE') throw new Refusal(413, 'That is more than a form of this site holds.');
      throw error;
    }
  }
}

export class Framework {
  #routes = new Map();
  #before;
  #eta;

  /** `before(context)` returns what every template can show. */
  constructor({ templates, before }) {
    this.#before = before;
    this.#eta = new Eta({ views: fileURLToPath(templates), cache: true });
  }

  /** `handlers`: a function of a context for each method; it returns `page(...)` or `redirect(...)`. */
  route(path, handlers) {
    this.#routes.set(path, handlers);
  }

  /** The WSGI-style application. */
  application = async (environ, startResponse) => {
    const context = new Context(environ);
    const shared = this.#before(context);
    const answer = await this.#handle(context).catch((error) => {
      if (!(error instanceof Refusal)) throw error;
      return page('refused', { title: error.message }, error.status);
    });
    const status = `${answer.status} ${REASONS[answer.status]}`;
    const request = `${context.method} ${environ.PATH_INFO}`;
    const body =
      answer.template === '' ? '' : this.#eta.render(answer.template, { ...shared, request, status, ...answer.data });
    startResponse(status, [HTML, ...SECURITY, ...context.headers, ...answer.headers]);
    return body;
  };

  async #handle(context) {
    const handlers = this.#routes.get(context.path);
    if (handlers === undefined) throw new Refusal(404, 'There is no such page.');
    const method = context.method === 'HEAD' ? 'GET' : context.method;
    if (!Object.hasOwn(handlers, method)) {
      context.headers.push(['Allow', Object.keys(handlers).join(', ')]);
      throw new Refusal(405, 'This page does not do that.');
    }
    return handlers[method](context);
  }
}

/** Templates escape what they show, unless it is a template's own text. */
export function page(template, data = {}, status = 200) {
  return { template, data, status, headers: [] };
}

/** To another page, by GET: reloading it posts nothing again. */
export function redirect(location) {
  return { template: '', data: {}, status: 303, headers: [['Location', location]] };
}
