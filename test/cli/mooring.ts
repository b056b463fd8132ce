import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** What a process runs that is started as `mooring …`. */
export const MAIN = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');

/** `mooring …` as a process of its own, to its end. */
export function mooring(args: readonly string[], cwd: string): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [MAIN, ...args], { cwd, encoding: 'utf8' });
}
