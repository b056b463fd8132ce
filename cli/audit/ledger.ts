import { isRunId, parseRecordId, type RunId } from '../../protocol/ids.ts';
import { countOf, IntervalSet, type Range } from '../../protocol/intervals.ts';
import { BOUNDS, type JsonValue } from '../../protocol/record.ts';

/** A record of the sink, as far as the audit reads it. */
export interface AuditedRecord {
  readonly id: string;
  readonly gateway?: JsonValue;
  readonly kind?: JsonValue;
  readonly info?: JsonValue;
}

/** What a gateway's store knows of a run, towards one forwarder. */
export interface StoreRun {
  readonly run: RunId;
  readonly gateway: string;
  /** The highest sequence that the store ever committed. */
  readonly last: number;
  readonly unsettled: readonly Range[];
  /** Settled: the centre has acknowledged them. */
  readonly acked: readonly Range[];
}

/** Records that a gateway says were thinned, dropped or rejected, by reason. */
export interface DeclaredGap {
  readonly reason: string;
  readonly count: number;
  readonly ranges: readonly Range[];
}

/** What `mooring audit --json` says of a run. */
export interface RunReport {
  readonly run: RunId;
  readonly gateway: string;
  /** The lowest sequence in the files; null when there is none. */
  readonly first: number | null;
  /** The highest sequence known to have existed; null when only a gap names the run. */
  readonly last: number | null;
  /** Different records in the files. */
  readonly records: number;
  /**
   * Sequences up to `last` that are nowhere: not in the files, in no declared gap, not unsettled in the store. Of a run
   * that may have grown since the store was read, up to the `last` of the store.
   */
  readonly holes: readonly Range[];
  /** Lines beyond the first of an id. */
  readonly duplicates: number;
  readonly gaps: readonly DeclaredGap[];
  /** Records that the store has still to send; 0 without a store. */
  readonly unsettled: number;
  /** Records that were acknowledged, and are neither in the files nor in a declared gap; 0 without a store. */
  readonly acked_but_missing: number;
}

interface Account {
  /** Whose run it is, as its own records or the store tell; undefined while only others' records name it. */
  gateway: string | undefined;
  duplicates: number;
  /** The highest sequence that the store names. */
  lastStored: number;
  /** Sequences beyond this may have been made since the store was read. */
  judgedTo: number;
  readonly seen: IntervalSet;
  readonly unsettled: IntervalSet;
  readonly acked: IntervalSet;
  /** What records of other runs say about this one, by who sent them: who may is known in the end only. */
  readonly claims: Map<string, Claims>;
}

interface Claims {
  /** The highest sequence that a boot names. */
  last: number;
  readonly gaps: Map<string, IntervalSet>;
}

/**
 * Adds up what the records of a sink, and a store, say about each run, and judges it. Holds ranges, not records: memory
 * grows with the number of runs and of interruptions.
 */
export class Ledger {
  readonly #accounts = new Map<RunId, Account>();
  #foreign = 0;

  /** Records whose ids do not name a run and a sequence: from devices of others. */
  get foreign(): number {
    return this.#foreign;
  }

  addRecord({ id, gateway, kind, info }: AuditedRecord): void {
    const parsed = parseRecordId(id);
    if (parsed === undefined) {
      this.#foreign += 1;
      return;
    }
    const name = typeof gateway === 'string' ? gateway : '';
    const account = this.#accountOf(parsed.run);
    account.gateway ??= name;
    if (account.seen.add(parsed.sequence) === 0) account.duplicates += 1;
    if (!isObject(info)) return;
    if (kind === 'gap') this.#addGap(info, name);
    if (kind === 'event' && info.event === 'boot') this.#addBoot(info, name);
  }

  /**
   * @param mayGrow the store may have committed more of this run since it was read: what came up after `last` and is not
   * in the files may be in the store
   */
  addStoreRun({ run, gateway, last, unsettled, acked }: StoreRun, mayGrow: boolean): void {
    const account = this.#accountOf(run);
    account.gateway ??= gateway;
    account.lastStored = Math.max(account.lastStored, last);
    if (mayGrow) account.judgedTo = last;
    for (const range of unsettled) account.unsettled.add(...range);
    for (const range of acked) account.acked.add(...range);
  }

  /**
   * Every run that anything names, by gateway, in the order in which they came up. Only a run's own gateway can declare
   * its gaps and how far it went; a run of which nothing else is known stands under whoever names it.
   */
  runs(): RunReport[] {
    const reports = [...this.#accounts].flatMap(([run, account]) => {
      const gateways = account.gateway === undefined ? [...account.claims.keys()] : [account.gateway];
      return gateways.map((gateway) => judge(run, gateway, account));
    });
    return reports.sort((a, b) => (a.gateway < b.gateway ? -1 : Number(a.gateway > b.gateway)));
  }

  #addGap(info: JsonObject, gateway: string): void {
    const { run, ranges, reason } = info;
    if (typeof run !== 'string' || !isRunId(run) || !Array.isArray(ranges)) return;
    const { gaps } = this.#claimsOf(run, gateway);
    const key = typeof reason === 'string' ? reason : '';
    const declared = gaps.get(key) ?? new IntervalSet();
    gaps.set(key, declared);
    for (const range of ranges) if (isRange(range)) declared.add(...range);
  }

  /** A run's first record names the newest record of the run before: all up to that one existed. */
  #addBoot({ previous }: JsonObject, gateway: string): void {
    const parsed = typeof previous === 'string' ? parseRecordId(previous) : undefined;
    if (parsed === undefined) return;
    const claims = this.#claimsOf(parsed.run, gateway);
    claims.last = Math.max(claims.last, parsed.sequence);
  }

  #accountOf(run: RunId): Account {
    const account = this.#accounts.get(run) ?? {
      gateway: undefined,
      duplicates: 0,
      lastStored: 0,
      judgedTo: BOUNDS.sequenceMax,
      seen: new IntervalSet(),
      unsettled: new IntervalSet(),
      acked: new IntervalSet(),
      claims: new Map<string, Claims>(),
    };
    this.#accounts.set(run, account);
    return account;
  }

  #claimsOf(run: RunId, gateway: string): Claims {
    const { claims } = this.#accountOf(run);
    const ofGateway = claims.get(gateway) ?? { last: 0, gaps: new Map<string, IntervalSet>() };
    claims.set(gateway, ofGateway);
    return ofGateway;
  }
}

/** True when every record is accounted for, once. What is unsettled is on its way: no failure. */
export function isComplete(runs: readonly RunReport[]): boolean {
  return runs.every(
    ({ holes, duplicates, acked_but_missing }) => holes.length === 0 && duplicates === 0 && acked_but_missing === 0,
  );
}

function judge(run: RunId, gateway: string, account: Account): RunReport {
  const { duplicates, lastStored, judgedTo, seen, unsettled, acked, claims } = account;
  const claimed = claims.get(gateway);
  const gaps = [...(claimed?.gaps ?? [])];
  const last = Math.max(seen.last ?? 0, lastStored, claimed?.last ?? 0);
  const accounted = new IntervalSet(seen.ranges());
  for (const [, declared] of gaps) for (const range of declared.ranges()) accounted.add(...range);
  // Whatever a gap says: the centre has said of these that it has them.
  const missing = acked.ranges().flatMap(([from, to]) => seen.missing(from, to));
  for (const range of unsettled.ranges()) accounted.add(...range);
  return {
    run,
    gateway,
    first: seen.first ?? null,
    last: last === 0 ? null : last,
    records: seen.count,
    holes: accounted.missing(1, Math.min(last, judgedTo)),
    duplicates,
    gaps: gaps.map(([reason, declared]) => ({ reason, count: declared.count, ranges: declared.ranges() })),
    unsettled: unsettled.count,
    acked_but_missing: countOf(missing),
  };
}

type JsonObject = { readonly [key: string]: JsonValue };

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isRange(value: JsonValue): value is [number, number] {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [first, last] = value as readonly JsonValue[];
  const isSequence = (end: JsonValue | undefined): end is number =>
    Number.isInteger(end) && Number(end) >= 1 && Number(end) <= BOUNDS.sequenceMax;
  return isSequence(first) && isSequence(last) && first <= last;
}
