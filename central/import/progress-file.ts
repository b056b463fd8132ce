import { mkdir, readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { MooringError } from '../../runtime/errors.ts';
import { nodeDisk } from '../sinks/disk.ts';
import { replaceText } from '../sinks/hashed-json.ts';
import type { RowKey } from '../sinks/mariadb/table-rows.ts';

/** What an import reads of a table: how far it has come says nothing of another. */
export interface ImportRange {
  readonly host: string;
  readonly database: string;
  /** Its column. */
  readonly key: string;
  readonly from: string | null;
  readonly until: string | null;
}

interface Reached extends ImportRange {
  /** Key of the last row that is in the log. */
  readonly last: RowKey;
}

/** How far an import has come, in a file that is replaced as a whole, by table. */
export class ProgressFile {
  readonly #path: string;
  readonly #last = new Map<string, Reached>();

  constructor(path: string) {
    this.#path = path;
  }

  /** Throws `STATE_FAILED` where it is there and cannot be read. */
  async open(): Promise<void> {
    try {
      await mkdir(dirname(this.#path), { recursive: true });
      const { last } = JSON.parse(await readFile(this.#path, 'utf8')) as { last: Record<string, Reached> };
      for (const [table, reached] of Object.entries(last)) this.#last.set(table, reached);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return;
      const hint = 'Remove it: an import from the beginning makes the same records again, under the same ids.';
      throw new MooringError('STATE_FAILED', 'the progress of an import cannot be read', {
        cause,
        context: { path: this.#path },
        hint,
      });
    }
  }

  /** Undefined where nothing is in the log. Throws `CONFIG_INVALID` where the file is about something else of that name. */
  lastOf(table: string, range: ImportRange): RowKey | undefined {
    const reached = this.#last.get(table);
    if (reached === undefined) return undefined;
    const { host, database, key, from, until } = range;
    const isSame = JSON.stringify({ host, database, key, from, until, last: reached.last }) === JSON.stringify(reached);
    if (isSame) return reached.last;
    throw new MooringError('CONFIG_INVALID', 'the progress of an import is that of another', {
      context: { path: this.#path, table, range, reached },
      hint: 'Import with the same place, key, --from and --until, or remove the file: what is made again has the same ids.',
    });
  }

  /** Durable when it resolves. */
  async reached(table: string, { host, database, key, from, until }: ImportRange, last: RowKey): Promise<void> {
    this.#last.set(table, { host, database, key, from, until, last });
    const text = `${JSON.stringify({ last: Object.fromEntries(this.#last) })}\n`;
    await replaceText(nodeDisk, dirname(this.#path), basename(this.#path), text);
  }
}
