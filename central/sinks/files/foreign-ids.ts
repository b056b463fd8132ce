import type { FlatRecord } from '../../recordlog/recordlog.ts';

/** As every line begins that Mooring has written; another program may write keys in another order. */
const START = /^\{"id":"([0-9a-f-]{36})"/;
const VERSION_AT = 14;

/** The ids of existing devices in lines: those that name no run. */
export function foreignIdsIn(lines: readonly string[]): string[] {
  return lines.map((line) => START.exec(line)?.[1] ?? (JSON.parse(line) as FlatRecord).id).filter(isForeign);
}

/** UUIDs of version 5 (RFC 9562 section 5.5). */
export function isForeign(id: string): boolean {
  return id[VERSION_AT] === '5';
}
