import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * A folder outside the tree for what tests build once. Where it is not there, `make` fills it, all or nothing: beside its
 * place, and renamed into it, so two runs that do it at once do not meet.
 */
export function inCache(name: string, make: (into: string) => void): string {
  const cache = process.env.XDG_CACHE_HOME ?? '';
  const folder = join(cache === '' ? join(homedir(), '.cache') : cache, 'mooring', name);
  if (existsSync(folder)) return folder;
  mkdirSync(join(folder, '..'), { recursive: true });
  const made = mkdtempSync(`${folder}.`);
  try {
    make(made);
    if (!existsSync(folder)) renameSync(made, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
  return folder;
}
