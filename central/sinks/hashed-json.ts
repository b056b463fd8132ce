import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Disk } from './disk.ts';

/** JSON as a file's text: one line of it, one line with its SHA-256. */
export function withHash(json: string): string {
  const sha256 = createHash('sha256').update(json, 'utf8').digest('hex');
  return `${json}\n${JSON.stringify({ sha256 })}\n`;
}

/** The JSON in such a text; undefined where the hash is not that of the rest. */
export function unhashed(text: string): string | undefined {
  const json = text.slice(0, Math.max(0, text.indexOf('\n')));
  return text === withHash(json) ? json : undefined;
}

/**
 * Puts a text in the place of a file. Durable when it resolves. When it rejects, with Node's errors, the file holds the old
 * text or the new one, whole.
 */
export async function replaceText(disk: Disk, folder: string, name: string, text: string): Promise<void> {
  const path = join(folder, name);
  const temporary = `${path}.new`;
  await disk.writeFrom(temporary, 0, Buffer.from(text));
  await disk.rename(temporary, path);
  await disk.syncFolder(folder);
}
