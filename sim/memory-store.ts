import assert from 'node:assert/strict';
import type {
  Appended,
  AppendOptions,
  Current,
  ForwarderStats,
  Lane,
  Store,
  StoreStats,
  TakeLimits,
  Taken,
} from '../daemon/store/store.ts';
import { LIVE_MS } from '../daemon/store/store.ts';
import type { RejectCode } from '../protocol/ack.ts';
import { type RunId, runIdOf } from '../protocol/ids.ts';
import { countOf, type Range, rangesOf } from '../protocol/intervals.ts';
import { GATEWAY_STATION, type Observation, type SequencedRecord } from '../protocol/record.ts';
import type { Clock } from '../runtime/clock.ts';
import type { MooringError } from '../runtime/errors.ts';

type RowState = 'pending' | 'in_flight' | 'held' | 'settled';

interface Row {
  readonly salt: Uint8Array;
  readonly record: SequencedRecord;
  readonly isUrgent: boolean;
  readonly appendedMs: number;
  readonly bytes: number;
  /** By forwarder; absent: pending. */
  readonly states: Map<string, RowState>;
}

export interface MemoryStoreOptions {
  readonly gateway: string;
  readonly salt: Uint8Array;
  readonly clock: Clock;
}

/** A store of one run that keeps nothing: the contract of `Store` in its plainest form, for tests of what uses one. */
export class MemoryStore implements Store {
  readonly #clock: Clock;
  readonly #salt: Uint8Array;
  readonly #run: RunId;
  readonly #rows: Row[] = [];
  readonly #forwarders = new Set<string>();
  /** While it is set, every call rejects with it. */
  failure: MooringError | undefined;
  /** Names of the calls so far, with the forwarder's count of rows where they name rows. */
  readonly calls: string[] = [];

  constructor({ gateway, salt, clock }: MemoryStoreOptions) {
    this.#clock = clock;
    this.#salt = salt;
    this.#run = runIdOf(gateway, salt);
  }

  async open(): Promise<Current> {
    await this.#called('open');
    return { run: this.#run, salt: this.#salt };
  }

  async append(observations: readonly Observation[], { urgent }: AppendOptions): Promise<Appended> {
    await this.#called('append');
    return this.#append(observations, urgent);
  }

  async flush(): Promise<void> {
    await this.#called('flush');
  }

  async take(forwarder: string, lane: Lane, { recordsMax, bytesMax }: TakeLimits): Promise<Taken | undefined> {
    await this.#called(`take ${lane}`);
    this.#forwarders.add(forwarder);
    const taken: Row[] = [];
    let bytes = 0;
    for (const row of this.#rows) {
      if (this.#stateOf(row, forwarder) !== 'pending' || this.#laneOf(row) !== lane) continue;
      bytes += row.bytes;
      if (taken.length === recordsMax || (taken.length > 0 && bytes > bytesMax)) break;
      taken.push(row);
    }
    if (taken.length === 0) return undefined;
    for (const row of taken) row.states.set(forwarder, 'in_flight');
    return { run: this.#run, salt: this.#salt, lane, records: taken.map(({ record }) => record) };
  }

  async release(forwarder: string, salt: Uint8Array, ranges: readonly Range[]): Promise<void> {
    await this.#called('release');
    for (const row of this.#reserved(forwarder, salt, ranges)) row.states.set(forwarder, 'pending');
  }

  async hold(forwarder: string, salt: Uint8Array, ranges: readonly Range[]): Promise<void> {
    await this.#called('hold');
    for (const row of this.#reserved(forwarder, salt, ranges)) row.states.set(forwarder, 'held');
  }

  async settle(forwarder: string, salt: Uint8Array, ranges: readonly Range[]): Promise<number> {
    await this.#called('settle');
    return this.#settle(forwarder, salt, ranges).length;
  }

  async reject(forwarder: string, salt: Uint8Array, ranges: readonly Range[], code: RejectCode): Promise<number> {
    await this.#called('reject');
    const rows = this.#settle(forwarder, salt, ranges);
    // Not for a gap record that is rejected itself: that would go on for ever.
    const gone = rangesOf(rows.filter(({ record }) => record.kind !== 'gap').map(({ record }) => record.sequence));
    if (gone.length > 0) {
      const ranges = gone.map(([first, last]) => [first, last]);
      this.#append([this.#gap({ ranges, count: countOf(gone), reason: 'rejected', code })], true);
    }
    return rows.length;
  }

  async stats(): Promise<StoreStats> {
    await this.#called('stats');
    const forwarders = [...this.#forwarders].map((name): [string, ForwarderStats] => [name, this.statsOf(name)]);
    return {
      records: this.#rows.length,
      bytes: 0,
      bytesMax: Number.MAX_SAFE_INTEGER,
      dropped: 0,
      forwarders: Object.fromEntries(forwarders),
    };
  }

  async close(): Promise<void> {
    await this.#called('close');
  }

  /** What a forwarder still has to do. */
  statsOf(forwarder: string): ForwarderStats {
    const count = (...states: RowState[]): number =>
      this.#rows.filter((row) => states.includes(this.#stateOf(row, forwarder))).length;
    return { pending: count('pending', 'in_flight', 'held'), inFlight: count('in_flight'), held: count('held') };
  }

  /** The sequences that a forwarder has settled. */
  settled(forwarder: string): Range[] {
    const rows = this.#rows.filter((row) => this.#stateOf(row, forwarder) === 'settled');
    return rangesOf(rows.map(({ record }) => record.sequence));
  }

  /** All that was appended. */
  get records(): readonly SequencedRecord[] {
    return this.#rows.map(({ record }) => record);
  }

  #append(observations: readonly Observation[], isUrgent: boolean): Appended {
    assert(observations.length > 0, 'something is appended');
    const first = this.#rows.length + 1;
    for (const observation of observations) {
      const record = { ...observation, sequence: this.#rows.length + 1 };
      this.#rows.push({
        salt: this.#salt,
        record,
        isUrgent,
        appendedMs: this.#clock.monotonicMs(),
        bytes: JSON.stringify(record).length,
        states: new Map(),
      });
    }
    return { first, last: this.#rows.length };
  }

  #settle(forwarder: string, salt: Uint8Array, ranges: readonly Range[]): Row[] {
    const rows = this.#named(salt, ranges).filter((row) => this.#stateOf(row, forwarder) !== 'settled');
    for (const row of rows) row.states.set(forwarder, 'settled');
    return rows;
  }

  #reserved(forwarder: string, salt: Uint8Array, ranges: readonly Range[]): Row[] {
    return this.#named(salt, ranges).filter((row) => ['in_flight', 'held'].includes(this.#stateOf(row, forwarder)));
  }

  #named(salt: Uint8Array, ranges: readonly Range[]): Row[] {
    assert.deepEqual(salt, this.#salt, 'a store is asked about its own runs');
    return ranges.flatMap(([first, last]) => this.#rows.slice(first - 1, last));
  }

  #stateOf(row: Row, forwarder: string): RowState {
    return row.states.get(forwarder) ?? 'pending';
  }

  #laneOf({ isUrgent, appendedMs }: Row): Lane {
    if (isUrgent) return 'urgent';
    return this.#clock.monotonicMs() - appendedMs < LIVE_MS ? 'live' : 'backlog';
  }

  #gap(info: Readonly<Record<string, string | number | number[][]>>): Observation {
    const timestampMs = this.#clock.wallMs();
    return { station: GATEWAY_STATION, kind: 'gap', timestampMs, clock: 'synced', metrics: {}, flags: {}, info };
  }

  /** Answers as a worker thread does: never at once. */
  async #called(call: string): Promise<void> {
    this.calls.push(call);
    await Promise.resolve();
    if (this.failure !== undefined) throw this.failure;
  }
}
