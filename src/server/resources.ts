// What a server has open besides its sockets: files and the application.

import { createNativeFiles, type Files } from '../kernel/files.ts';
import { logError } from '../log/error-log.ts';
import { type Application, openApplication } from './application.ts';
import type { ResolvedOptions } from './resolved-options.ts';

/** What a server has open besides its sockets. */
export class Resources {
  /** Null when a handler answers. */
  readonly files: Files | null;
  readonly application: Application;

  constructor(files: Files | null, application: Application) {
    this.files = files;
    this.application = application;
  }

  /** @throws EpollServerError `ERR_APPLICATION_MODULE`, `ERR_OPTION`, `ERR_ADDON`. */
  static async open(resolved: ResolvedOptions): Promise<Resources> {
    const { options, folders } = resolved;
    const application = await openApplication(resolved, options.onError ?? logError);
    return new Resources(folders === null ? null : createNativeFiles(), application);
  }

  async close(): Promise<void> {
    this.files?.destroy();
    await this.application.close();
  }
}
