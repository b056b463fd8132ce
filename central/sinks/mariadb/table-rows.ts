import type { Connection } from 'mariadb';
import { withDeadline } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import { hintOn, isRefused, reasonOf } from './failure.ts';
import { Session, type SessionOptions } from './session.ts';
import { quotedName } from './table.ts';

export interface TableRowsOptions extends SessionOptions {
  readonly database: string;
}

/** What a row is found again by, as the table has it. */
export type RowKey = string | number;
export type TableRow = Readonly<Record<string, string | number | null>>;

/** Rows in the order of a column, between two values of it. */
export interface RowRange {
  readonly table: string;
  readonly key: string;
  /** Not included; undefined: from the first. */
  readonly after: RowKey | undefined;
  /** Included; undefined: from the first. */
  readonly from: RowKey | undefined;
  /** Not included; undefined: to the last. */
  readonly until: RowKey | undefined;
}

/** Tables of somebody else's database, which are read and nothing else. */
export class TableRows {
  readonly #options: TableRowsOptions;
  #session: Session | undefined;

  constructor(options: TableRowsOptions) {
    this.#options = options;
  }

  /** How many there are. Rejects as `page`. */
  async count(range: RowRange): Promise<number> {
    const { where, values } = whereOf(range);
    const sql = `SELECT COUNT(*) AS count FROM ${this.#tableOf(range)}${where}`;
    const [row] = await this.#query<{ count: number }>(sql, values);
    return row?.count ?? 0;
  }

  /**
   * The next rows, all with the same key together, so that the last key says where to go on; empty at the end. Rejects with
   * `SINK_UNFIT` where the login or the table is refused, else with `SINK_FAILED`.
   */
  async page(range: RowRange, rowsMax: number): Promise<readonly TableRow[]> {
    const { where, values } = whereOf(range);
    const key = quotedName(range.key);
    const select = `SELECT * FROM ${this.#tableOf(range)}`;
    const rows = await this.#query<TableRow>(`${select}${where} ORDER BY ${key} LIMIT ${rowsMax}`, values);
    if (rows.length < rowsMax) return rows;
    const last = rows.at(-1)?.[range.key] ?? null;
    const whole = rows.filter((row) => row[range.key] !== last);
    return whole.length > 0 ? whole : await this.#query<TableRow>(`${select} WHERE ${key} = ?`, [last]);
  }

  async close(): Promise<void> {
    await this.#session?.end();
  }

  #tableOf({ table }: RowRange): string {
    return quotedName(this.#options.database, table);
  }

  async #query<Row>(sql: string, values: readonly (RowKey | null)[]): Promise<readonly Row[]> {
    const { clock, deadlineMs, host, database } = this.#options;
    try {
      const late = (): Error => new MooringError('DEADLINE', `no answer within ${deadlineMs} ms`);
      const asked = this.#connected().then((connection) =>
        connection.query<Row[]>({ sql, decimalAsNumber: true, dateStrings: true }, [...values]),
      );
      return await withDeadline(clock, deadlineMs, asked, late);
    } catch (error) {
      this.#session?.destroy();
      this.#session = undefined;
      const { code, message } = isRefused(error)
        ? ({ code: 'SINK_UNFIT', message: 'MariaDB refuses to be read' } as const)
        : ({ code: 'SINK_FAILED', message: 'MariaDB cannot be read' } as const);
      const context = { host, database, reason: reasonOf(error) };
      throw new MooringError(code, message, { cause: error, context, hint: hintOn(error, host) });
    }
  }

  async #connected(): Promise<Connection> {
    if (this.#session?.isUsable === true && this.#session.connection !== undefined) return this.#session.connection;
    this.#session = new Session(this.#options);
    return await this.#session.open();
  }
}

function whereOf({ key, after, from, until }: RowRange): { readonly where: string; readonly values: RowKey[] } {
  const column = quotedName(key);
  const bounds: [string, RowKey | undefined][] = [
    [`${column} > ?`, after],
    [`${column} >= ?`, from],
    [`${column} < ?`, until],
  ];
  const said = bounds.filter((bound): bound is [string, RowKey] => bound[1] !== undefined);
  // A row without a key has no time either.
  const conditions = [`${column} IS NOT NULL`, ...said.map(([condition]) => condition)];
  return { where: ` WHERE ${conditions.join(' AND ')}`, values: said.map(([, value]) => value) };
}
