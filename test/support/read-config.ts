// Reads a config file, as the command does.

import { loadConfig, parseConfig } from '../../src/config/file.ts';
import type { Layer } from '../../src/config/resolve.ts';

export async function readConfig(path: string): Promise<Layer> {
  return parseConfig(loadConfig(path));
}
