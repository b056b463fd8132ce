import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { HttpLogin } from '../http/credentials.ts';
import { HttpStore } from '../http/http-store.ts';
import type { RefusedRecord, RemoteStore, StoreRecord } from '../remote/remote-store.ts';
import { BODY_MAX, cellSetOf, rowText } from './cell-set.ts';
import { familyOf, type HbaseLayout, rowOf, SALT_MAX } from './row.ts';
import { HbaseTable } from './table.ts';

export interface HbaseStoreOptions {
  readonly name: string;
  /** Of HBase's REST server. */
  readonly url: string;
  readonly table: string;
  readonly layout: HbaseLayout;
  readonly login?: HttpLogin;
  /** PEM, in place of the system's authorities. */
  readonly caFile?: string;
  /** Of each request, in milliseconds; 10,000 when left out. */
  readonly deadlineMs?: number;
  readonly clock: Clock;
}

interface Row {
  readonly index: number;
  readonly text: string;
}

/** HBase, over its REST server. A record is a row, and the same row however often it comes. */
export class HbaseStore implements RemoteStore {
  readonly name: string;
  readonly #http: HttpStore;
  readonly #table: HbaseTable;
  readonly #layout: HbaseLayout;

  constructor(options: HbaseStoreOptions) {
    const { name, layout, table } = options;
    if (layout.kind === 'records' && !(Number.isInteger(layout.salt) && layout.salt >= 1 && layout.salt <= SALT_MAX))
      throw new MooringError('CONFIG_INVALID', 'a salt is a whole number of prefixes', {
        context: { store: name, salt: layout.salt },
        hint: `Write 1 to ${SALT_MAX}: about as many as the table is to have regions.`,
      });
    this.name = name;
    this.#layout = layout;
    this.#http = new HttpStore(options);
    this.#table = new HbaseTable({ name, http: this.#http, table, layout });
  }

  open(signal: AbortSignal): Promise<void> {
    return this.#table.prepare(signal);
  }

  async write(records: readonly StoreRecord[]): Promise<readonly RefusedRecord[]> {
    const family = familyOf(this.#layout);
    const refused: RefusedRecord[] = [];
    let rows: Row[] = [];
    let characters = 0;
    for (const [index, record] of records.entries()) {
      const text = rowText(rowOf(record, this.#layout), family);
      if (rows.length > 0 && characters + text.length > BODY_MAX) {
        await this.#put(rows, refused);
        rows = [];
        characters = 0;
      }
      rows.push({ index, text });
      characters += text.length;
    }
    if (rows.length > 0) await this.#put(rows, refused);
    return refused;
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  /** Halves what is refused until each row that is stands alone: at most twice as many requests as there are rows. */
  async #put(rows: readonly Row[], refused: RefusedRecord[]): Promise<void> {
    const reason = await this.#table.put(cellSetOf(rows.map(({ text }) => text)));
    if (reason === undefined) return;
    if (rows.length === 1) {
      refused.push({ index: (rows[0] as Row).index, reason });
      return;
    }
    const half = rows.length >>> 1;
    await this.#put(rows.slice(0, half), refused);
    await this.#put(rows.slice(half), refused);
  }
}
