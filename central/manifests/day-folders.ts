import { join } from 'node:path';
import type { Disk } from '../sinks/disk.ts';

/** A day's folder of a `files` sink. */
export interface DayFolder {
  /** `2026/01/31`, or `user/NAME/2026/01/31`, below the folder of the sink. */
  readonly path: string;
  /** `2026-01-31`. */
  readonly day: string;
}

const YEAR = /^\d{4}$/;
const TWO_DIGITS = /^\d\d$/;

/**
 * The folders of days below that of a sink, of both layouts, in the order of their names. What stands in `undated` belongs to
 * no day. Rejects with Node's own errors.
 */
export async function* dayFoldersOf(disk: Pick<Disk, 'list'>, root: string): AsyncGenerator<DayFolder> {
  yield* daysBelow(disk, root, '');
  for (const user of await sorted(disk, join(root, 'user'))) yield* daysBelow(disk, root, `user/${user}/`);
}

async function* daysBelow(disk: Pick<Disk, 'list'>, root: string, below: string): AsyncGenerator<DayFolder> {
  for (const year of await sorted(disk, join(root, below), YEAR)) {
    for (const month of await sorted(disk, join(root, below, year), TWO_DIGITS)) {
      for (const day of await sorted(disk, join(root, below, year, month), TWO_DIGITS)) {
        yield { path: `${below}${year}/${month}/${day}`, day: `${year}-${month}-${day}` };
      }
    }
  }
}

/** Names that fit; none where there is no such folder, or where it is a file. */
async function sorted(disk: Pick<Disk, 'list'>, path: string, form = /^[^.]/): Promise<readonly string[]> {
  try {
    return ((await disk.list(path)) ?? []).filter((name) => form.test(name)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return [];
    throw error;
  }
}
