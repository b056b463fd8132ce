import assert from 'node:assert/strict';
import type { Ack, RejectCode } from '../../protocol/ack.ts';
import { IntervalSet, type Range, rangesOf } from '../../protocol/intervals.ts';
import type { SequencedRecord } from '../../protocol/record.ts';
import type { Lane } from '../store/store.ts';

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

/** A batch that was handed to the transport. Each of its sequences is in one of the three sets until it is answered. */
export interface SentBatch extends BatchName {
  readonly lane: Lane;
  readonly salt: Uint8Array;
  /** Everything that was in it. */
  readonly sequences: IntervalSet;
  /** In flight: nothing is known of them yet. */
  readonly open: IntervalSet;
  /** The centre's log has them, its sinks not yet. */
  readonly held: IntervalSet;
  /** Given back to the store, so perhaps on their way in another batch; a late ack counts all the same. */
  readonly lapsed: IntervalSet;
  /** To be encoded again where the centre cannot read the batch; empty when nothing of it is in flight any more. */
  records: readonly SequencedRecord[];
  readonly doubt: Doubt | undefined;
  /** On the monotonic clock. */
  readonly sentMs: number;
  /** The transport has got rid of it. */
  isHandedOn: boolean;
  /** When those in flight count as lost, on the monotonic clock. */
  deadlineMs: number;
  /** When those held are sent again, on the monotonic clock. */
  heldUntilMs: number;
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
  /** The ack names sequences that were not in the batch; they count for nothing. */
  readonly namesForeign: boolean;
}

/** Batches remembered after nothing of them is in flight or held, so that late and repeated acks find them. */
const REMEMBERED_MAX = 256;

/**
 * What was sent and is not settled, by batch number. A sequence is in flight or held in one batch at a time. Frees nothing
 * by itself: it only tells what an ack means.
 */
export class InFlight {
  /** Something of them is in flight or held. Insertion order is sending order. */
  readonly #active = new Map<number, SentBatch>();
  readonly #remembered = new Map<number, SentBatch>();
  /** Something of them is in flight, held, or given back: what a datagram's worth of acks must not look for among all. */
  readonly #open: Readonly<Record<Lane, Set<SentBatch>>> = { urgent: new Set(), live: new Set(), backlog: new Set() };
  readonly #held = new Set<SentBatch>();
  readonly #lapsed = new Set<SentBatch>();
  /** In flight, and part of what the centre could not read. */
  readonly #doubted = new Set<SentBatch>();
  /** No later than the first deadline and the first end of a hold. */
  #dueMs = Number.POSITIVE_INFINITY;

  /** Batches of which something is in flight. */
  get batches(): number {
    return this.#open.urgent.size + this.#open.live.size + this.#open.backlog.size;
  }

  /** Batches of which something is held by the centre. */
  get batchesHeld(): number {
    return this.#held.size;
  }

  get records(): number {
    return this.#count(({ open }) => open.count);
  }

  get recordsHeld(): number {
    return this.#count(({ held }) => held.count);
  }

  /** Records in flight that are part of what the centre could not read. */
  get recordsInDoubt(): number {
    let count = 0;
    for (const { open } of this.#doubted) count += open.count;
    return count;
  }

  batchesOf(lane: Lane): number {
    return this.#open[lane].size;
  }

  /** Notes a batch that is about to be sent. */
  add(name: BatchName, { salt, lane, records, doubt }: Cargo, sentMs: number, deadlineMs: number): SentBatch {
    assert(records.length > 0, 'a batch holds records');
    const ranges = rangesOf(records.map(({ sequence }) => sequence));
    const sent: SentBatch = {
      ...name,
      lane,
      salt,
      sequences: new IntervalSet(ranges),
      open: new IntervalSet(ranges),
      held: new IntervalSet(),
      lapsed: new IntervalSet(),
      records,
      doubt,
      sentMs,
      isHandedOn: false,
      deadlineMs,
      heldUntilMs: Number.POSITIVE_INFINITY,
    };
    this.#active.set(sent.batch, sent);
    this.#open[lane].add(sent);
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

  /** Takes note of what an ack says about each sequence of its batch. */
  answer(sent: SentBatch, ack: Ack, nowMs: number): News {
    const named = [
      ...(ack.stored ?? []),
      ...(ack.held?.ranges ?? []),
      ...(ack.rejected ?? []).flatMap(({ ranges }) => ranges),
    ];
    const news = {
      namesForeign: named.some(([first, last]) => !sent.sequences.covers(first, last)),
      stored: this.#conclude(sent, ack.stored ?? []),
      rejected: (ack.rejected ?? [])
        .map(({ ranges, code }) => ({ ranges: this.#conclude(sent, ranges), code }))
        .filter(({ ranges }) => ranges.length > 0),
      held: this.#hold(sent, ack.held, nowMs),
    };
    this.#tidy(sent);
    return news;
  }

  /** Gives up what is in flight of a batch. Returns the sequences to release. */
  giveUp(sent: SentBatch): Range[] {
    return this.#lapse(sent, sent.open);
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
    return [...this.#active.values()].filter(({ open, deadlineMs }) => !open.isEmpty && deadlineMs <= nowMs);
  }

  /** Ends every hold whose time has passed by `nowMs`, all of them by infinity. Returns the sequences to release. */
  endHolds(nowMs: number): RunRanges[] {
    if (nowMs < this.#dueMs) return [];
    const ended = [...this.#held]
      .filter(({ heldUntilMs }) => heldUntilMs <= nowMs)
      .map((sent) => ({ salt: sent.salt, ranges: this.#lapse(sent, sent.held) }));
    this.#dueMs = this.#firstDueMs();
    return ended;
  }

  /** The batches of which something is in flight, oldest first. */
  all(): SentBatch[] {
    return [...this.#active.values()].filter(({ open }) => !open.isEmpty);
  }

  /** When a batch may be overdue or a hold may end, and nothing is before that; infinite when there is none. */
  nextDueMs(): number {
    return this.batches + this.batchesHeld === 0 ? Number.POSITIVE_INFINITY : this.#dueMs;
  }

  #firstDueMs(): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { open, held, deadlineMs, heldUntilMs } of this.#active.values()) {
      if (!open.isEmpty) nextMs = Math.min(nextMs, deadlineMs);
      if (!held.isEmpty) nextMs = Math.min(nextMs, heldUntilMs);
    }
    return nextMs;
  }

  /** Marks sequences as done with, here and in every other batch that has them. Returns those that were not yet. */
  #conclude(sent: SentBatch, ranges: readonly Range[]): Range[] {
    const fresh = new IntervalSet();
    // What was never given back is in no other batch, unless it was before it was in this one.
    const others = sent.lapsed.isEmpty ? this.#lapsed : [...this.#active.values(), ...this.#remembered.values()];
    for (const [first, last] of ranges) {
      for (const set of [sent.open, sent.held, sent.lapsed]) {
        for (const [from, to] of set.within(first, last)) fresh.add(from, to);
      }
    }
    const concluded = fresh.ranges();
    if (concluded.length === 0) return concluded;
    remove(sent, concluded);
    for (const other of [...others]) {
      if (other === sent || !isSame(other.salt, sent.salt)) continue;
      remove(other, concluded);
      this.#tidy(other);
    }
    return concluded;
  }

  /**
   * A hold that comes late, for what was given back already, is left: those rows may be in another batch by now, and the
   * centre will say `held` to that one too.
   */
  #hold(sent: SentBatch, held: Ack['held'], nowMs: number): Range[] {
    if (held === undefined) return [];
    const fresh = new IntervalSet();
    for (const [first, last] of held.ranges) {
      for (const [from, to] of sent.open.within(first, last)) fresh.add(from, to);
    }
    for (const [first, last] of fresh.ranges()) {
      sent.open.remove(first, last);
      sent.held.add(first, last);
    }
    if (!sent.held.isEmpty) {
      sent.heldUntilMs = nowMs + held.seconds * 1000;
      this.#dueMs = Math.min(this.#dueMs, sent.heldUntilMs);
    }
    return fresh.ranges();
  }

  #lapse(sent: SentBatch, from: IntervalSet): Range[] {
    const ranges = from.ranges();
    for (const [first, last] of ranges) {
      from.remove(first, last);
      sent.lapsed.add(first, last);
    }
    this.#tidy(sent);
    return ranges;
  }

  #tidy(sent: SentBatch): void {
    if (sent.open.isEmpty) {
      sent.records = [];
      this.#doubted.delete(sent);
    }
    note(this.#open[sent.lane], sent, sent.open);
    note(this.#held, sent, sent.held);
    note(this.#lapsed, sent, sent.lapsed);
    if (!(sent.open.isEmpty && sent.held.isEmpty) || !this.#active.delete(sent.batch)) return;
    this.#remembered.set(sent.batch, sent);
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size <= REMEMBERED_MAX || oldest === undefined) return;
    this.#lapsed.delete(this.#remembered.get(oldest) as SentBatch);
    this.#remembered.delete(oldest);
  }

  #count(of: (sent: SentBatch) => number): number {
    let count = 0;
    for (const sent of this.#active.values()) count += of(sent);
    return count;
  }
}

function note(batches: Set<SentBatch>, sent: SentBatch, sequences: IntervalSet): void {
  if (sequences.isEmpty) batches.delete(sent);
  else batches.add(sent);
}

function remove(sent: SentBatch, ranges: readonly Range[]): void {
  for (const [first, last] of ranges) {
    for (const set of [sent.open, sent.held, sent.lapsed]) set.remove(first, last);
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
