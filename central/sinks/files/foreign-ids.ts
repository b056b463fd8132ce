import { join } from 'node:path';
import type { FlatRecord } from '../../recordlog/recordlog.ts';
import type { Disk } from '../disk.ts';
import { readRows } from '../parquet/read.ts';
import type { HourParts } from './hour-parts.ts';
import { linesOf } from './lines.ts';

/** As every line begins that Mooring has written; another program may write keys in another order. */
const START = /^\{"id":"([0-9a-f-]{36})"/;
const VERSION_AT = 14;

export interface HourPlace {
  readonly disk: Disk;
  /** The folder that `file` is relative to. */
  readonly path: string;
  /** Of an hour: `2026/01/31/22.ndjson`. */
  readonly file: string;
}

/** The ids of existing devices in all parts of an hour, some at a time. */
export async function* foreignIdsOf(
  parts: Pick<HourParts, 'filesOf'>,
  { disk, path, file }: HourPlace,
): AsyncGenerator<readonly string[]> {
  for (const part of await parts.filesOf(file)) {
    const place = join(path, part);
    if (part.endsWith('.ndjson')) {
      for await (const lines of linesOf(disk, place)) yield lines.map(idOf).filter(isForeign);
      continue;
    }
    const byteLength = (await disk.size(place)) ?? 0;
    const read = (start: number, end: number): Promise<Uint8Array> => disk.readPart(place, start, end - start);
    for await (const rows of readRows({ byteLength, read }, ['id'])) {
      yield rows.map(({ id }) => String(id)).filter(isForeign);
    }
  }
}

function idOf(line: string): string {
  return START.exec(line)?.[1] ?? (JSON.parse(line) as FlatRecord).id;
}

/** UUIDs of version 5 (RFC 9562 section 5.5). */
function isForeign(id: string): boolean {
  return id[VERSION_AT] === '5';
}
