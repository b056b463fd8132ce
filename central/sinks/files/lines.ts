import type { Disk } from '../disk.ts';

const NEWLINE = 0x0a;
const PART_BYTES = 2 ** 18;

/**
 * The finished lines of a file, a part of them at a time, as it stands when they are read, without the last newline of each
 * part. Nothing where there is none. Rejects with Node's own errors.
 */
export async function* textsOf(disk: Disk, path: string): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array = new Uint8Array();
  for (let from = 0; ; ) {
    const part = await disk.readPart(path, from, PART_BYTES);
    if (part.length === 0) return;
    from += part.length;
    const text = rest.length === 0 ? part : Buffer.concat([rest, part]);
    const end = text.lastIndexOf(NEWLINE) + 1;
    rest = text.slice(end);
    if (end > 0) yield text.subarray(0, end - 1);
  }
}

/** The same, as strings, one a line. */
export async function* linesOf(disk: Disk, path: string): AsyncGenerator<readonly string[]> {
  for await (const text of textsOf(disk, path)) yield linesIn(text);
}

export function linesIn(text: Uint8Array): string[] {
  return Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString('utf8').split('\n');
}
