import type { Connection, TypeCastFunction } from 'mariadb';
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

/** Rows of which the keys are all those of the table up to one. */
export interface RowPage {
  readonly rows: readonly TableRow[];
  /** As text: a number of JavaScript may be another one. */
  readonly last: string;
}

const NUMBERS: ReadonlySet<string> = new Set(['tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'decimal', 'year']);
const TEXTS: ReadonlySet<string> = new Set(['char', 'varchar', 'date', 'datetime', 'timestamp', 'time']);
const NUMBER_PATTERN = /^-?\d{1,65}(\.\d{1,38})?$/;

/** Tables of somebody else's database, which are read and nothing else. */
export class TableRows {
  readonly #options: TableRowsOptions;
  #session: Session | undefined;
  readonly #types = new Map<string, string>();

  constructor(options: TableRowsOptions) {
    this.#options = options;
  }

  /** How many there are. Rejects as `page`. */
  async count(range: RowRange): Promise<number> {
    const { where, values } = whereOf(range, await this.#isNumber(range));
    const sql = `SELECT COUNT(*) AS count FROM ${this.#tableOf(range)}${where}`;
    const [row] = await this.#query<{ count: number }>(sql, values);
    return row?.count ?? 0;
  }

  /**
   * The next rows, all with the same key together, so that the last key says where to go on; undefined at the end. Which keys
   * are the same, and which is larger, the database decides. Rejects with `SINK_UNFIT` where the login, the table or the type
   * of its key is refused, `CONFIG_INVALID` for a bound that is none of that type, else with `SINK_FAILED`.
   */
  async page(range: RowRange, rowsMax: number): Promise<RowPage | undefined> {
    const isNumber = await this.#isNumber(range);
    const { where, values } = whereOf(range, isNumber);
    const [table, key] = [this.#tableOf(range), quotedName(range.key)];
    const nth = `SELECT CAST(${key} AS CHAR) AS last FROM ${table}${where} ORDER BY ${key} LIMIT 1 OFFSET ${rowsMax - 1}`;
    const greatest = `SELECT CAST(MAX(${key}) AS CHAR) AS last FROM ${table}${where}`;
    const [full] = await this.#query<{ last: string }>(nth, values);
    const [found] = full === undefined ? await this.#query<{ last: string | null }>(greatest, values) : [full];
    const last = found?.last ?? undefined;
    if (last === undefined) return undefined;
    const upTo = boundOf(range, '<=', last, isNumber);
    const sql = `SELECT * FROM ${table}${where} AND ${upTo.condition} ORDER BY ${key}`;
    const rows = await this.#query<TableRow>(sql, [...values, ...upTo.values]);
    if (rows.length > 0) return { rows, last };
    throw new MooringError('SINK_FAILED', 'a table has no row with a key that it has said', {
      context: { table: range.table, key: range.key, last },
      hint: 'Nobody is to change the table meanwhile. Run the import again.',
    });
  }

  /** Whether the key is a number. Its type has to be one of which a text is the same value. */
  async #isNumber({ table, key }: RowRange): Promise<boolean> {
    const { database } = this.#options;
    const type = this.#types.get(`${table}.${key}`) ?? (await this.#typeOf(table, key));
    if (type !== undefined) this.#types.set(`${table}.${key}`, type);
    if (type !== undefined && (NUMBERS.has(type) || TEXTS.has(type))) return NUMBERS.has(type);
    throw new MooringError('SINK_UNFIT', 'rows of a table cannot be read in the order of this key', {
      context: { database, table, key, type: type ?? 'not there' },
      hint: 'Take a column of whole numbers, DECIMAL, CHAR, VARCHAR, or of a date or time; of FLOAT and DOUBLE none is found again.',
    });
  }

  async #typeOf(table: string, key: string): Promise<string | undefined> {
    const sql = `SELECT DATA_TYPE AS type FROM information_schema.COLUMNS
      WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND COLUMN_NAME = ?`;
    const [row] = await this.#query<{ type: string }>(sql, [this.#options.database, table, key]);
    return row?.type.toLowerCase();
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
        connection.query<Row[]>({ sql, dateStrings: true, typeCast: exactly }, [...values]),
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

interface Bound {
  readonly condition: string;
  readonly values: readonly RowKey[];
}

function whereOf(range: RowRange, isNumber: boolean): { readonly where: string; readonly values: RowKey[] } {
  const { key, after, from, until } = range;
  const bounds = [
    ...(after === undefined ? [] : [boundOf(range, '>', after, isNumber)]),
    ...(from === undefined ? [] : [boundOf(range, '>=', from, isNumber)]),
    ...(until === undefined ? [] : [boundOf(range, '<', until, isNumber)]),
  ];
  // A row without a key has no time either.
  const conditions = [`${quotedName(key)} IS NOT NULL`, ...bounds.map(({ condition }) => condition)];
  return { where: ` WHERE ${conditions.join(' AND ')}`, values: bounds.flatMap(({ values }) => values) };
}

/** A number is written into the statement: as a text it would be compared as one of 53 bits. */
function boundOf({ table, key }: RowRange, operator: string, value: RowKey, isNumber: boolean): Bound {
  if (!isNumber) return { condition: `${quotedName(key)} ${operator} ?`, values: [String(value)] };
  const text = String(value);
  if (!NUMBER_PATTERN.test(text))
    throw new MooringError('CONFIG_INVALID', 'a bound of an import is not what its key is', {
      context: { table, key, bound: text },
      hint: 'The key is a number: give one with --from and --until.',
    });
  return { condition: `${quotedName(key)} ${operator} ${text}`, values: [] };
}

const DIGITS_EXACT = 15;

/** A number where it is the same one in JavaScript, else its text; a TIMESTAMP says that it is UTC, as it is here. */
const exactly: TypeCastFunction = (field, next) => {
  const { type } = field;
  if (type === 'BIGINT' || type === 'NEWDECIMAL' || type === 'DECIMAL') {
    const text = field.string();
    return text === null || text.replaceAll(/\D/g, '').replace(/^0+/, '').length > DIGITS_EXACT ? text : Number(text);
  }
  if (type !== 'TIMESTAMP') return next();
  const text = field.string();
  return text === null ? null : `${text}Z`;
};
