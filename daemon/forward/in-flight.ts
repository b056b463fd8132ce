import assert from 'node:assert/strict';
import type { Ack, RejectCode } from '../../protocol/ack.ts';
import { IntervalSet, type Range, type ReadonlyIntervalSet, rangesOf } from '../../protocol/intervals.ts';
import type { SequencedRecord } from '../../protocol/record.ts';
import type { Lane } from '../store/store.ts';
import { SentRun } from './sent-run.ts';

/** Records of one run that travel together. */
export interface Cargo {
  readonly salt: Uint8Array;
  readonly lane: Lane;
  readonly records: readonly SequencedRecord[];
  /** Where the centre could not read what these records were part of. */
  readonly doubt?: Doubt;
}

export interface Doubt {
  /** How often a record was answered `unreadable`, alone. */
  readonly times: number;
  /** When the first time was, on the monotonic clock; until then, when that of the whole was. */
  readonly sinceMs: number;
}

/** What an ack has to know of a batch. */
export interface BatchName {
  readonly batch: number;
  readonly token: Uint8Array;
}

/** A batch that was handed to the transport. */
export interface SentBatch extends BatchName {
  readonly lane: Lane;
  readonly run: SentRun<SentBatch>;
  readonly salt: Uint8Array;
  /** Everything that was in it. */
  readonly sequences: IntervalSet;
  /** In flight in this batch: nothing is known of them yet. */
  readonly open: IntervalSet;
  /** To be encoded again where the centre cannot read the batch; empty when nothing of it is in flight any more. */
  records: readonly SequencedRecord[];
  readonly doubt: Doubt | undefined;
  /** On the monotonic clock. */
  readonly sentMs: number;
  /** The transport has got rid of it. */
  isHandedOn: boolean;
  /** When those in flight count as lost, on the monotonic clock. */
  deadlineMs: number;
}

/** Sequences of one run. */
export interface RunRanges {
  readonly salt: Uint8Array;
  readonly ranges: readonly Range[];
}

/** What an ack says that was not known before. */
export interface News {
  readonly stored: readonly Range[];
  /** Not held until now. */
  readonly held: readonly Range[];
  readonly rejected: readonly { readonly ranges: readonly Range[]; readonly code: RejectCode }[];
  /** The ack names sequences of the run that were never sent; they count for nothing. */
  readonly namesForeign: boolean;
}

/**
 * Batches remembered after nothing of them is in flight, so that late and repeated acks find them, and those that name the
 * newest batch that one copy of the centre has seen.
 */
const REMEMBERED_MAX = 1024;

/**
 * What was sent and is not settled. An ack names one batch, and speaks of whatever was sent of its run. Frees nothing by
 * itself: it only tells what an ack means.
 */
export class InFlight {
  /** Something of them is in flight. Insertion order is sending order. */
  readonly #active = new Map<number, SentBatch>();
  readonly #remembered = new Map<number, SentBatch>();
  readonly #lanes: Readonly<Record<Lane, Set<SentBatch>>> = { urgent: new Set(), live: new Set(), backlog: new Set() };
  /** In flight, and part of what the centre could not read. */
  readonly #doubted = new Set<SentBatch>();
  /** By salt. */
  readonly #runs = new Map<string, SentRun<SentBatch>>();
  /** No later than the first deadline and the first end of a hold. */
  #dueMs = Number.POSITIVE_INFINITY;

  /** Batches of which something is in flight. */
  get batches(): number {
    return this.#active.size;
  }

  /** Ranges of what is held by the centre: what it takes to remember it. */
  get rangesHeld(): number {
    return this.#sum(({ rangeCount }) => rangeCount);
  }

  get records(): number {
    let count = 0;
    for (const { open } of this.#active.values()) count += open.count;
    return count;
  }

  get recordsHeld(): number {
    return this.#sum(({ count }) => count);
  }

  /** Records in flight that are part of what the centre could not read. */
  get recordsInDoubt(): number {
    let count = 0;
    for (const { open } of this.#doubted) count += open.count;
    return count;
  }

  batchesOf(lane: Lane): number {
    return this.#lanes[lane].size;
  }

  /** Notes a batch that is about to be sent. */
  add(name: BatchName, { salt, lane, records, doubt }: Cargo, sentMs: number, deadlineMs: number): SentBatch {
    assert(records.length > 0, 'a batch holds records');
    const ranges = rangesOf(records.map(({ sequence }) => sequence));
    const run = this.#runOf(salt);
    const sent: SentBatch = {
      ...name,
      lane,
      run,
      salt,
      sequences: new IntervalSet(ranges),
      open: new IntervalSet(ranges),
      records,
      doubt,
      sentMs,
      isHandedOn: false,
      deadlineMs,
    };
    run.send(ranges);
    run.open.add(sent);
    run.batches += 1;
    this.#active.set(sent.batch, sent);
    this.#lanes[lane].add(sent);
    if (doubt !== undefined) this.#doubted.add(sent);
    this.#dueMs = Math.min(this.#dueMs, deadlineMs);
    return sent;
  }

  /** The transport has got rid of a batch: from now on the centre has until `deadlineMs`. */
  handedOn(sent: SentBatch, deadlineMs: number): void {
    sent.isHandedOn = true;
    sent.deadlineMs = deadlineMs;
    this.#dueMs = Math.min(this.#dueMs, deadlineMs);
  }

  /** The batch that an ack answers, or undefined where nothing of the kind was sent lately. */
  find({ batch, salt, token }: Ack): SentBatch | undefined {
    const sent = this.#active.get(batch) ?? this.#remembered.get(batch);
    return sent !== undefined && isSame(sent.salt, salt) && isSame(sent.token, token) ? sent : undefined;
  }

  /** Takes note of what an ack says about each sequence of the run of its batch. */
  answer(sent: SentBatch, ack: Ack, nowMs: number): News {
    const named = [
      ...(ack.stored ?? []),
      ...(ack.held?.ranges ?? []),
      ...(ack.rejected ?? []).flatMap(({ ranges }) => ranges),
    ];
    const { run, sequences } = sent;
    return {
      namesForeign: named.some(([first, last]) => !sequences.covers(first, last) && !run.hasSent([first, last])),
      stored: run.settle(ack.stored ?? [], sent),
      rejected: (ack.rejected ?? [])
        .map(({ ranges, code }) => ({ ranges: run.settle(ranges, sent), code }))
        .filter(({ ranges }) => ranges.length > 0),
      held: this.#hold(sent, ack.held, nowMs),
    };
  }

  /** Gives up what is in flight of a batch. Returns the sequences to release. */
  giveUp(sent: SentBatch): Range[] {
    const ranges = sent.open.ranges();
    for (const range of ranges) sent.open.remove(...range);
    sent.run.lapse(ranges);
    this.#tidy(sent);
    return ranges;
  }

  /** Takes out what is in flight of a batch, to be sent again in other batches. The store is not told. */
  withdraw(sent: SentBatch): SequencedRecord[] {
    const records = sent.records.filter(({ sequence }) => sent.open.has(sequence));
    this.giveUp(sent);
    return records;
  }

  /** Batches in flight whose deadline has passed. */
  overdue(nowMs: number): SentBatch[] {
    if (nowMs < this.#dueMs) return [];
    return this.all().filter(({ deadlineMs }) => deadlineMs <= nowMs);
  }

  /** Ends every hold whose time has passed by `nowMs`, all of them by infinity. Returns the sequences to release. */
  endHolds(nowMs: number): RunRanges[] {
    if (nowMs < this.#dueMs) return [];
    const ended: RunRanges[] = [];
    for (const run of this.#runs.values()) {
      const ranges = run.holds.end(nowMs);
      run.lapse(ranges);
      if (ranges.length > 0) ended.push({ salt: run.salt, ranges });
      this.#forget(run);
    }
    this.#dueMs = this.#firstDueMs();
    return ended;
  }

  /** The batches of which something is in flight, oldest first. */
  all(): SentBatch[] {
    return [...this.#active.values()];
  }

  /** When a batch may be overdue or a hold may end, and nothing is before that; infinite when there is none. */
  nextDueMs(): number {
    return this.batches + this.rangesHeld === 0 ? Number.POSITIVE_INFINITY : this.#dueMs;
  }

  #firstDueMs(): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { deadlineMs } of this.#active.values()) nextMs = Math.min(nextMs, deadlineMs);
    for (const { holds } of this.#runs.values()) nextMs = Math.min(nextMs, holds.nextMs);
    return nextMs;
  }

  /**
   * What is held already is held for longer. A hold that comes late, for what was given back already, is left: until
   * those rows go again the store may give them up, and the centre will say `held` to that batch too.
   */
  #hold(sent: SentBatch, held: Ack['held'], nowMs: number): Range[] {
    if (held === undefined) return [];
    const { run } = sent;
    const fresh = run.takeOpen(held.ranges, sent);
    const untilMs = nowMs + held.seconds * 1000;
    run.holds.hold([...fresh.ranges(), ...run.holds.within(held.ranges)], untilMs);
    this.#dueMs = Math.min(this.#dueMs, run.holds.nextMs);
    return fresh.ranges();
  }

  #tidy(sent: SentBatch): void {
    if (!sent.open.isEmpty || !this.#active.delete(sent.batch)) return;
    sent.records = [];
    sent.run.open.delete(sent);
    this.#lanes[sent.lane].delete(sent);
    this.#doubted.delete(sent);
    this.#remembered.set(sent.batch, sent);
    const [oldest] = this.#remembered.values();
    if (this.#remembered.size <= REMEMBERED_MAX || oldest === undefined) return;
    this.#remembered.delete(oldest.batch);
    oldest.run.batches -= 1;
    this.#forget(oldest.run);
  }

  #runOf(salt: Uint8Array): SentRun<SentBatch> {
    const key = keyOf(salt);
    const run = this.#runs.get(key) ?? new SentRun<SentBatch>(salt, (sent) => this.#tidy(sent));
    this.#runs.set(key, run);
    return run;
  }

  #forget(run: SentRun<SentBatch>): void {
    if (run.batches === 0 && run.holds.sequences.isEmpty) this.#runs.delete(keyOf(run.salt));
  }

  #sum(of: (held: ReadonlyIntervalSet) => number): number {
    let sum = 0;
    for (const { holds } of this.#runs.values()) sum += of(holds.sequences);
    return sum;
  }
}

function keyOf(salt: Uint8Array): string {
  return Buffer.from(salt).toString('hex');
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
