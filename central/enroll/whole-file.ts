import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Of a new file, unless it is said otherwise: its owner writes, its group reads. */
const MODE = 0o640;

/**
 * Puts a file in its place whole, so that whoever reads meanwhile has the old one or the new one. One that was there keeps
 * its mode and owner: a broker of another user goes on reading it.
 */
export function writeWhole(path: string, text: string, mode: number = MODE): void {
  mkdirSync(dirname(path), { recursive: true });
  const before = existsSync(path) ? statSync(path) : undefined;
  const next = `${path}.new`;
  writeFileSync(next, text, { mode: (before?.mode ?? mode) & 0o777 });
  if (before !== undefined) chownSync(next, before.uid, before.gid);
  renameSync(next, path);
}

/** What a file holds; empty where there is none. */
export function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
