import type { Client } from 'pg';
import type { Clock } from '../../../runtime/clock.ts';
import { UNDATED } from '../remote/event-date.ts';
import { isGone, isLate } from './failure.ts';
import { quotedName, undatedName } from './table.ts';

export type PartitionPeriod = 'day' | 'month';

export interface PartitionsOptions {
  readonly schema: string;
  readonly table: string;
  /** How long a new one goes on. */
  readonly period: PartitionPeriod;
  readonly clock: Clock;
}

/** UTC, milliseconds since 1970; `endMs` is not part of it. */
interface TimeRange {
  readonly startMs: number;
  readonly endMs: number;
}

export interface Partition extends TimeRange {
  readonly name: string;
}

const DAY_MS = 86_400_000;
/** Of making one, in milliseconds: writes wait for it. */
const MAKING_MS = 2000;
/** Until what could not be made is tried again, in milliseconds. */
const AGAIN_MS = 600_000;
/** Rows that are moved out of those without a date while writes wait. */
const MOVED_MAX = 20_000;

/**
 * Partitions by the time of the event, made as their days come. A day whose partition cannot be made for now, as others
 * hold the table for long, stands among what has no date until it can: a row is the same row wherever it stands.
 */
export class Partitions {
  readonly #options: PartitionsOptions;
  #there: readonly Partition[] = [];
  /** By day: when it is tried again, on the monotonic clock. */
  readonly #again = new Map<string, number>();

  constructor(options: PartitionsOptions) {
    this.#options = options;
  }

  /** Looks what there is. */
  async load(client: Client): Promise<readonly Partition[]> {
    const { schema, table } = this.#options;
    const { rows } = await client.query<{ name: string; bound: string }>(
      `SELECT c.relname AS name, pg_catalog.pg_get_expr(c.relpartbound, c.oid) AS bound
       FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
       WHERE i.inhparent = $1::regclass`,
      [quotedName(schema, table)],
    );
    this.#there = rows.flatMap(({ name, bound }) => {
      const range = rangeOf(bound);
      return range === undefined ? [] : [{ name, ...range }];
    });
    return this.#there;
  }

  /** Makes what these days have not, as far as that can be; `UNDATED` needs none. */
  async ensure(client: Client, days: ReadonlySet<string>): Promise<void> {
    for (const day of days) {
      if (day === UNDATED || this.#touches(dayRange(day))) continue;
      const { clock } = this.#options;
      if (clock.monotonicMs() < (this.#again.get(day) ?? Number.NEGATIVE_INFINITY)) continue;
      this.#again.delete(day);
      if (!(await this.#make(client, day))) this.#again.set(day, clock.monotonicMs() + AGAIN_MS);
    }
  }

  /** Drops those whose every event was before; their names, each also as it is gone. */
  async dropBefore(client: Client, timeMs: number, onDropped?: (name: string) => void): Promise<readonly string[]> {
    const old = (await this.load(client)).filter(({ endMs }) => endMs <= timeMs).map(({ name }) => name);
    const dropped: string[] = [];
    // One by one: what was dropped stays so if the next fails.
    for (const name of old.sort()) {
      try {
        await client.query(`DROP TABLE ${quotedName(this.#options.schema, name)}`);
      } catch (error) {
        if (!isGone(error)) throw error;
        continue;
      }
      dropped.push(name);
      onDropped?.(name);
    }
    return dropped;
  }

  #touches({ startMs, endMs }: TimeRange): boolean {
    return this.#there.some((one) => one.startMs < endMs && startMs < one.endMs);
  }

  async #make(client: Client, day: string): Promise<boolean> {
    const { schema, table } = this.#options;
    const parent = quotedName(schema, table);
    await client.query('BEGIN');
    try {
      await client.query(`SET LOCAL lock_timeout = ${MAKING_MS}; SET LOCAL statement_timeout = ${MAKING_MS}`);
      // One at a time, and nobody puts a row among those without a date meanwhile; readers and other writers of the rest go on.
      await client.query(`LOCK TABLE ${parent} IN SHARE UPDATE EXCLUSIVE MODE`);
      await this.load(client);
      const isMade = this.#touches(dayRange(day)) || (await this.#attach(client, parent, day));
      await client.query(isMade ? 'COMMIT' : 'ROLLBACK');
    } catch (error) {
      if (!isLate(error)) throw error;
      await client.query('ROLLBACK');
    }
    await this.load(client);
    return this.#touches(dayRange(day));
  }

  /** False where too many rows of it stand among those without a date. */
  async #attach(client: Client, parent: string, day: string): Promise<boolean> {
    const { schema, table } = this.#options;
    const { name, startMs, endMs } = this.#planned(day);
    const [undated, partition] = [quotedName(schema, undatedName(table)), quotedName(schema, name)];
    const bounds = [startMs, endMs].map((ms) => `'${new Date(ms).toISOString()}'`);
    const within = `"time" >= ${bounds[0]} AND "time" < ${bounds[1]}`;
    await client.query(`LOCK TABLE ${undated} IN ACCESS EXCLUSIVE MODE`);
    const { rows } = await client.query(`SELECT FROM ${undated} WHERE ${within} LIMIT ${MOVED_MAX + 1}`);
    if (rows.length > MOVED_MAX) return false;
    await client.query(`CREATE TABLE ${partition} (LIKE ${parent} INCLUDING ALL)`);
    if (rows.length > 0)
      await client.query(`WITH moved AS (DELETE FROM ${undated} WHERE ${within} RETURNING *)
        INSERT INTO ${partition} SELECT * FROM moved`);
    await client.query(
      `ALTER TABLE ${parent} ATTACH PARTITION ${partition} FOR VALUES FROM (${bounds[0]}) TO (${bounds[1]})`,
    );
    return true;
  }

  /** The whole period, or the day alone where others have part of that. */
  #planned(day: string): Partition {
    const { table, period } = this.#options;
    const month = monthRange(day);
    if (period === 'month' && !this.#touches(month)) return { name: `${table}_${digits(day.slice(0, 7))}`, ...month };
    return { name: `${table}_${digits(day)}`, ...dayRange(day) };
  }
}

function digits(date: string): string {
  return date.replaceAll('-', '');
}

function dayRange(day: string): TimeRange {
  const startMs = Date.parse(day);
  return { startMs, endMs: startMs + DAY_MS };
}

function monthRange(day: string): TimeRange {
  const start = new Date(day.slice(0, 7));
  const endMs = Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1);
  return { startMs: start.getTime(), endMs };
}

/** As the catalogue writes it; undefined for the default partition. */
function rangeOf(bound: string): TimeRange | undefined {
  const [match, start = '', end = ''] = /^FOR VALUES FROM \((.+)\) TO \((.+)\)$/.exec(bound) ?? [];
  if (match === undefined) return undefined;
  return { startMs: timeMsOf(start) ?? Number.NEGATIVE_INFINITY, endMs: timeMsOf(end) ?? Number.POSITIVE_INFINITY };
}

/** Undefined for MINVALUE and MAXVALUE. */
function timeMsOf(literal: string): number | undefined {
  const [match, date, time] = /^'(\S+) (\S+)\+00'$/.exec(literal) ?? [];
  return match === undefined ? undefined : Date.parse(`${date}T${time}Z`);
}
