// Finds what an application for node:http listens with, whichever framework made it.

import { EventEmitter } from 'node:events';
import http from 'node:http';
import { EpollServerError } from '../../errors.ts';
import type { Handler } from '../../http/handler.ts';
import { type NodeTarget, nodeHandler } from './handler.ts';

/** An application for node:http: a listener to 'request', or what a framework makes. */
export type NodeApplication = object;

type Method = (...values: unknown[]) => unknown;

/**
 * A handler that runs an application for node:http: a function of a request and a response, as Express and Connect make
 * it, or an application of Koa, Fastify, Nest, Restify or polka, or a server of node:http with listeners.
 * @throws EpollServerError `ERR_OPTION` when it is none of these. Rejects with what its framework throws.
 */
export async function nodeApplication(application: NodeApplication): Promise<Handler> {
  return nodeHandler(await targetOf(application));
}

async function targetOf(application: NodeApplication): Promise<NodeTarget> {
  // Its parameters are those of a listener: nothing else is called.
  if (typeof application === 'function') return listening(application as Method);
  const method = (name: string): Method | undefined => methodOf(application, name);
  // Its parameters are those of a listener: nothing else is called.
  if (method('callback') !== undefined) return listening(method('callback')?.() as Method);
  if (method('inject') !== undefined) {
    await method('ready')?.();
    return serverOf(Reflect.get(application, 'server'));
  }
  const getHttpServer = method('getHttpServer');
  if (getHttpServer !== undefined) {
    await method('init')?.();
    return serverOf(getHttpServer());
  }
  const handler = method('handler');
  if (handler !== undefined) return listening(handler);
  return serverOf(isServer(application) ? application : Reflect.get(application, 'server'));
}

function serverOf(found: unknown): NodeTarget {
  if (isServer(found)) return found;
  throw new EpollServerError(
    'ERR_OPTION',
    'an application for node:http must be a function of a request and a response, an application of a framework, or a server with listeners',
  );
}

function isServer(found: unknown): found is NodeTarget {
  return found instanceof EventEmitter && methodOf(found, 'listen') !== undefined;
}

/** A server that never listens: it has the listener, and what wraps `http.Server.prototype.emit` sees the requests. */
function listening(listener: Method): NodeTarget {
  const server: http.Server = Object.create(http.Server.prototype);
  Reflect.apply(EventEmitter, server, []);
  return server.on('request', listener);
}

function methodOf(object: object, name: string): Method | undefined {
  const found: unknown = Reflect.get(object, name);
  // Its parameters are those of a listener: nothing else is called.
  return typeof found === 'function' ? (found.bind(object) as Method) : undefined;
}
