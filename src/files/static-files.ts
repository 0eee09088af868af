// Serves files: one site, or several by the host that a request names. It must not know connections.

import type { Handler } from '../http/handler.ts';
import type { Hosts } from './hosts.ts';
import { Site } from './site.ts';

/** A handler that serves files with GET and HEAD. */
export function staticFiles(sites: Site | Hosts<Site>): Handler {
  if (sites instanceof Site) return (request, response) => sites.handle(request, response);
  return (request, response) => sites.of(request).handle(request, response);
}
