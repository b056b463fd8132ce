import { isRunId, type RunId } from '../../protocol/ids.ts';
import { IntervalSet, type Range } from '../../protocol/intervals.ts';
import type { LogEntry, LogRecord } from '../recordlog/recordlog.ts';
import { AlarmBoard, type BoardAlarm } from './alarm-board.ts';
import { Cadence } from './cadence.ts';
import { NewestRun } from './newest-run.ts';

/** What outlives the process. */
export interface KeptGateway {
  readonly heardMs: number;
  readonly cadenceMs?: number | undefined;
  readonly run?: RunId | undefined;
  readonly syncedMs?: number | undefined;
  readonly unsyncedMs?: number | undefined;
  readonly gapMs?: number | undefined;
  readonly alarms: readonly BoardAlarm[];
}

interface StationFacts {
  readonly cadence: Cadence;
  lastMs: number;
}

/** Of one gateway; a station beyond is not told apart. */
const STATIONS_MAX = 64;
/** Stretches of the newest run that are remembered; beyond that the oldest are forgotten. */
const RANGES_MAX = 1000;
/** Of one gateway at one scrape. */
const ASKED_MAX = 5000;
const TRUSTED: ReadonlySet<string> = new Set(['synced', 'gps']);
/** Why records never come (docs/protocol.md). Whoever writes another one is counted with these. */
export const GAP_REASONS = ['dropped', 'rejected', 'lost', 'before', 'other'] as const;
export type GapReason = (typeof GAP_REASONS)[number];

/** What is known of one gateway from what it sends. Times are of receipt, milliseconds since 1970. */
export class GatewayFacts {
  /** Undefined: not heard yet. */
  heardMs: number | undefined;
  receivedBytes = 0;
  records = 0;
  syncedMs: number | undefined;
  unsyncedMs: number | undefined;
  gapMs: number | undefined;
  readonly gapRecords = new Map<GapReason, number>();
  readonly stations = new Map<string, StationFacts>();
  readonly #board: AlarmBoard;
  readonly #newest: NewestRun;
  #keptCadenceMs: number | undefined;
  /** Of the newest run, since this process began: what is here, or declared lost. */
  #here = new IntervalSet();
  #hereRun: RunId | undefined;

  constructor(kept?: KeptGateway) {
    this.#board = new AlarmBoard(kept?.alarms);
    this.#newest = new NewestRun(kept?.run);
    this.heardMs = kept?.heardMs;
    this.syncedMs = kept?.syncedMs;
    this.unsyncedMs = kept?.unsyncedMs;
    this.gapMs = kept?.gapMs;
    this.#keptCadenceMs = kept?.cadenceMs;
  }

  get alarms(): readonly BoardAlarm[] {
    return this.#board.alarms;
  }

  get run(): RunId | undefined {
    return this.#newest.run;
  }

  /** The shortest of its stations', in milliseconds; undefined while it is not known. */
  get cadenceMs(): number | undefined {
    const known = [...this.stations.values()].flatMap(({ cadence }) => cadence.intervalMs ?? []);
    return known.length === 0 ? this.#keptCadenceMs : Math.min(...known);
  }

  /**
   * Sequences of the newest run that are neither here nor declared lost, though earlier and later ones are here.
   * @param isElsewhere whether another copy of the centre has taken one
   */
  backlog(isElsewhere: (run: RunId, sequence: number) => boolean): number {
    const { first, last } = this.#here;
    const run = this.#hereRun;
    if (first === undefined || last === undefined || run === undefined) return 0;
    let asked = 0;
    for (const [from, to] of this.#here.missing(first, last)) {
      for (let sequence = from; sequence <= to && asked < ASKED_MAX; sequence += 1) {
        asked += 1;
        if (isElsewhere(run, sequence)) this.#here.add(sequence);
      }
    }
    return last - first + 1 - this.#here.count;
  }

  /** Whether anything has changed that should be kept at once. */
  took({ run, records }: Pick<LogEntry, 'run' | 'records'>, nowMs: number): boolean {
    let isUrgent = false;
    for (const record of records) {
      this.records += 1;
      const isNewest = this.#newest.see(run, record);
      if (run === this.run) this.#isHere(run, [[record.sequence, record.sequence]]);
      if (isNewest && TRUSTED.has(record.flat.clock)) this.syncedMs = nowMs;
      else if (isNewest) this.unsyncedMs = nowMs;
      const { kind } = record.flat;
      if (kind === 'sample') this.#sampled(record, nowMs);
      else if (kind === 'gap') this.#gap(record, nowMs);
      else if (kind === 'alarm') isUrgent = this.#alarm(run, record, nowMs) || isUrgent;
    }
    return isUrgent;
  }

  kept(): KeptGateway | undefined {
    const { heardMs, cadenceMs, run, syncedMs, unsyncedMs, gapMs, alarms } = this;
    if (heardMs === undefined) return undefined;
    return { heardMs, cadenceMs, run, syncedMs, unsyncedMs, gapMs, alarms };
  }

  #sampled({ flat: { station, timestamp } }: LogRecord, nowMs: number): void {
    let facts = this.stations.get(station);
    if (facts === undefined) {
      if (this.stations.size >= STATIONS_MAX) return;
      facts = { cadence: new Cadence(), lastMs: nowMs };
      this.stations.set(station, facts);
    }
    facts.lastMs = nowMs;
    facts.cadence.see(Date.parse(timestamp));
  }

  #gap({ flat: { info } }: LogRecord, nowMs: number): void {
    const { run, reason, count, ranges } = (info ?? {}) as Readonly<Record<string, unknown>>;
    const known = GAP_REASONS.find((each) => each === reason) ?? 'other';
    const records = typeof count === 'number' && count > 0 ? count : 0;
    this.gapRecords.set(known, (this.gapRecords.get(known) ?? 0) + records);
    this.gapMs = nowMs;
    if (typeof run !== 'string' || !isRunId(run) || !Array.isArray(ranges) || run !== this.run) return;
    this.#isHere(run, ranges.filter(isRange));
  }

  #isHere(run: RunId, ranges: readonly Range[]): void {
    if (this.#hereRun !== run) this.#here = new IntervalSet();
    this.#hereRun = run;
    for (const [first, last] of ranges) this.#here.add(first, last);
    if (this.#here.rangeCount > RANGES_MAX) {
      const oldest = this.#here.ranges().slice(0, RANGES_MAX / 2);
      for (const [first, last] of oldest) this.#here.remove(first, last);
    }
  }

  #alarm(run: RunId, { sequence, flat: { station, info } }: LogRecord, atMs: number): boolean {
    const { event, alarm, level } = (info ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof alarm !== 'string' || (event !== 'raised' && event !== 'cleared')) return false;
    return this.#board.see({ event, alarm, station, level: String(level ?? ''), run, sequence, atMs });
  }
}

function isRange(value: unknown): value is Range {
  return Array.isArray(value) && value.length === 2 && value.every(Number.isSafeInteger) && value[0] <= value[1];
}
