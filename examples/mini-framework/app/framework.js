// The framework: maps a request to the handler of its route, and the handler's result to a response. It contains no
// page.

import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';

/** The largest form of this site. */
const MAX_FORM_BYTES = 16_384;

const HTML = ['Content-Type', 'text/html; charset=utf-8'];

/** Sent with every page: scripts, styles and forms come only from this site, and no other site may frame it. */
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

/** Thrown by a handler to respond with `status` and a page with `text`. */
export class HttpError extends Error {
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
    /** The tutorials call their pages /login.py: both names work. */
    this.path = environ.PATH_INFO.replace(/\.py$/, '');
    this.query = new URLSearchParams(environ.QUERY_STRING);
    /** Fields of the response, such as Set-Cookie. */
    this.headers = [];
  }

  /** The value of a cookie, or an empty string. */
  cookie(name) {
    const pairs = (this.environ.HTTP_COOKIE ?? '').split(';').map((pair) => pair.trim());
    return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
  }

  /** The fields of the posted form. */
  async form() {
    const type = this.environ.CONTENT_TYPE.split(';')[0].trim().toLowerCase();
    if (type !== 'application/x-www-form-urlencoded') throw new HttpError(415, 'A form is expected here.');
    try {
      return new URLSearchParams(await this.environ['wsgi.input'].text(MAX_FORM_BYTES));
    } catch (error) {
      if (error.code === 'ERR_BODY_TOO_LARGE') throw new HttpError(413, 'The form is too large.');
      throw error;
    }
  }
}

export class Framework {
  #routes = new Map();
  #before;
  #eta;

  /** `before(context)` returns the data that every template may use. */
  constructor({ templates, before }) {
    this.#before = before;
    this.#eta = new Eta({ views: fileURLToPath(templates), cache: true });
  }

  /** `handlers`: for each method, a function of a context that returns `page(...)` or `redirect(...)`. */
  route(path, handlers) {
    this.#routes.set(path, handlers);
  }

  /** The WSGI-style application. */
  application = async (environ, startResponse) => {
    const context = new Context(environ);
    const shared = this.#before(context);
    const result = await this.#handle(context).catch((error) => {
      if (!(error instanceof HttpError)) throw error;
      return page('error', { title: error.message }, error.status);
    });
    const status = `${result.status} ${REASONS[result.status]}`;
    const request = `${context.method} ${environ.PATH_INFO}`;
    const body =
      result.template === '' ? '' : this.#eta.render(result.template, { ...shared, request, status, ...result.data });
    startResponse(status, [HTML, ...SECURITY, ...context.headers, ...result.headers]);
    return body;
  };

  async #handle(context) {
    const handlers = this.#routes.get(context.path);
    if (handlers === undefined) throw new HttpError(404, 'There is no such page.');
    const method = context.method === 'HEAD' ? 'GET' : context.method;
    if (!Object.hasOwn(handlers, method)) {
      context.headers.push(['Allow', Object.keys(handlers).join(', ')]);
      throw new HttpError(405, 'This page does not support this method.');
    }
    return handlers[method](context);
  }
}

/** The result of a handler that shows a template. Templates escape all values. */
export function page(template, data = {}, status = 200) {
  return { template, data, status, headers: [] };
}

/** Redirects with GET, so that reloading the page does not post the form again. */
export function redirect(location) {
  return { template: '', data: {}, status: 303, headers: [['Location', location]] };
}
