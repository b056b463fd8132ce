import { mkdir, readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { MooringError } from '../../runtime/errors.ts';
import { nodeDisk } from '../sinks/disk.ts';
import { replaceText } from '../sinks/hashed-json.ts';
import type { RowKey } from '../sinks/mariadb/table-rows.ts';

/** How far an import has come, in a file that is replaced as a whole: table → key of the last row that is in the log. */
export class ProgressFile {
  readonly #path: string;
  readonly #last = new Map<string, RowKey>();

  constructor(path: string) {
    this.#path = path;
  }

  /** Throws `STATE_FAILED` where it is there and cannot be read. */
  async open(): Promise<void> {
    try {
      await mkdir(dirname(this.#path), { recursive: true });
      const { last } = JSON.parse(await readFile(this.#path, 'utf8')) as { last: Record<string, RowKey> };
      for (const [table, key] of Object.entries(last)) this.#last.set(table, key);
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

  lastOf(table: string): RowKey | undefined {
    return this.#last.get(table);
  }

  /** Durable when it resolves. */
  async reached(table: string, key: RowKey): Promise<void> {
    this.#last.set(table, key);
    const text = `${JSON.stringify({ last: Object.fromEntries(this.#last) })}\n`;
    await replaceText(nodeDisk, dirname(this.#path), basename(this.#path), text);
  }
}
