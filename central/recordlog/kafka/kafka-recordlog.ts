import type { RunId } from '../../../protocol/ids.ts';
import { IntervalSet, type Range, rangesOf } from '../../../protocol/intervals.ts';
import { BOUNDS } from '../../../protocol/record.ts';
import { type Clock, withDeadline } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import type { Random } from '../../../runtime/random.ts';
import type { DeadLetters } from '../../ingest/dead-letter.ts';
import { atMost } from '../../ingest/patience.ts';
import type { Disk } from '../../sinks/disk.ts';
import type { PoisonLetters } from '../../sinks/feed/poison-letters.ts';
import {
  type HeldRecords,
  jsonOf,
  type LogEntry,
  type LogOutcome,
  type LogRecord,
  type LogRejection,
  type RecordLog,
  type Standing,
} from '../recordlog.ts';
import { AckTail } from './ack-tail.ts';
import { AdminSession } from './admin-session.ts';
import { Adoption } from './adoption.ts';
import { rejectedOf, sequencesIn, type Verdict, within } from './append-verdict.ts';
import type { KafkaClient, KafkaMessage } from './client.ts';
import { CommitWatch } from './commit-watch.ts';
import { KafkaDeadLetters } from './dead-letters.ts';
import { Flights } from './flights.ts';
import { type HeldPiece, Ledger, type LedgerBounds } from './ledger.ts';
import { LogLink } from './log-link.ts';
import { partitionOf } from './partitioner.ts';
import { Settlement } from './settlement.ts';
import { rejectionBy, standingOf } from './standing.ts';
import type { TopicsSpec } from './topics.ts';

export interface KafkaRecordLogOptions {
  readonly client: KafkaClient;
  readonly topics: TopicsSpec;
  /** Of the topics and groups; the reader of acknowledgements has a group of its own. */
  readonly prefix: string;
  /** When `stored` may be said: once the log has a record, or once each of these groups has committed it. */
  readonly ack: 'log' | { readonly groups: readonly string[] };
  /** The centre's own folder: what is remembered of the log stands there. */
  readonly stateDir: string;
  /** For letters that the topic of dead letters does not take. */
  readonly letterFiles: DeadLetters;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly disk?: Disk;
  /** `LOG_UNFIT` or `LOG_CHANGED`: nothing is acknowledged any more. Called once. */
  readonly onFatal: (error: MooringError) => void;
  /** Bytes of JSON of one record; a larger one is rejected for good. 512 KiB, a whole batch, when left out. */
  readonly recordBytesMax?: number;
  /** Appends that may wait for groups, also once they have said `held`; 20,000 when left out. */
  readonly watchedMax?: number;
  readonly ledger?: Partial<LedgerBounds>;
}

/** A gateway sends again when it has had no answer for 20 s: it should have one by then. */
const APPEND_MS = 18_000;
/** So much of that is kept for the acknowledgement. */
const ACK_MS = 3000;
/** How long an append waits for the groups before it says `held`, in milliseconds. */
const HELD_MS = 5000;
const WATCHED_MAX = 20_000;

/**
 * The record log on Kafka. A record is `stored` when the broker has it durable (`acks=all`), or, if the configuration
 * names sinks, when each of them has committed it; and the message that says so is durable on the topic of
 * acknowledgements. All copies read that topic, so that none produces again what another has.
 */
export class KafkaRecordLog implements RecordLog, HeldRecords {
  readonly deadLetters: DeadLetters & PoisonLetters;
  readonly #options: KafkaRecordLogOptions;
  readonly #clock: Clock;
  readonly #recordBytesMax: number;
  readonly #link: LogLink;
  readonly #admin: AdminSession;
  readonly #ledger: Ledger;
  readonly #flights = new Flights();
  readonly #commits: CommitWatch | undefined;
  readonly #settlement: Settlement;
  readonly #adoption: Adoption;
  readonly #tail: AckTail;
  readonly #appends = new Set<Promise<unknown>>();
  readonly #watchedMax: number;
  /** Appends that wait for groups. */
  #watched = 0;
  #onConcluded: (run: RunId) => void = () => undefined;
  #isOpen = false;

  constructor(options: KafkaRecordLogOptions) {
    const { client, topics, prefix, ack, letterFiles, clock, random, log, recordBytesMax } = options;
    const { names } = topics;
    this.#options = options;
    this.#clock = clock;
    this.#recordBytesMax = recordBytesMax ?? BOUNDS.batchJsonBytes;
    this.#watchedMax = options.watchedMax ?? WATCHED_MAX;
    const isDeciding = (sink: string): boolean => ack !== 'log' && ack.groups.includes(`${prefix}.${sink}`);
    this.#ledger = new Ledger(options.ledger, isDeciding, (run) => this.#onConcluded(run));
    this.#link = new LogLink(options);
    this.#admin = new AdminSession(client, clock);
    const shared = { admin: this.#admin, clock, log };
    this.#commits =
      ack === 'log'
        ? undefined
        : new CommitWatch({
            ...shared,
            topic: names.records,
            groups: ack.groups,
            refusals: (signal) => this.#readRefusals(signal),
            waitingMax: this.#watchedMax,
          });
    this.#settlement = new Settlement({
      link: this.#link,
      ledger: this.#ledger,
      topic: names.acks,
      commits: this.#commits,
      clock,
    });
    this.#adoption = new Adoption({ ledger: this.#ledger, settlement: this.#settlement, clock });
    this.deadLetters = new KafkaDeadLetters({ link: this.#link, topics, files: letterFiles, clock });
    this.#tail = new AckTail({
      ...shared,
      client,
      random,
      topic: names.acks,
      group: `${prefix}.ledger.${Buffer.from(random.bytes(8)).toString('hex')}`,
      onMessage: (message) => {
        this.#ledger.learn(message, clock.monotonicMs());
        this.#link.note(names.records, message.partition, message.last);
      },
      // The acknowledgements tell how long the log has been before: a shorter one is not that log.
      onCaughtUp: () => void this.#link.check(),
    });
  }

  /** For what has no run: its records and letters go the same way. */
  get link(): Pick<LogLink, 'produce'> {
    return this.#link;
  }

  /** Resolves when the topics have been found, or made, as they should be. */
  get ready(): Promise<void> {
    return this.#link.ready;
  }

  /** Begins to connect; resolves at once, also where there is no Kafka: meanwhile appends are rejected. */
  async open(signal: AbortSignal): Promise<void> {
    await this.#link.open(signal);
    this.#tail.start(this.#link.ready);
    this.#isOpen = true;
  }

  /** Whether a record is known to be stored; not whether it is: what was long ago may be forgotten. */
  isAcknowledged(run: RunId, sequence: number): boolean {
    return this.#link.fatal === undefined && this.#ledger.stored(run).has(sequence);
  }

  watch(listener: (run: RunId) => void): void {
    this.#onConcluded = listener;
  }

  standing(run: RunId, ranges: readonly Range[]): Standing {
    return this.#link.fatal === undefined ? standingOf(this.#ledger, run, ranges) : NOWHERE;
  }

  adopt(run: RunId): readonly Range[] {
    const isSilent = this.#commits === undefined || this.#link.fatal !== undefined || !this.#isOpen;
    return isSilent ? [] : this.#adoption.adopt(run);
  }

  /** Rejects with `LOG_FAILED`, or with what was fatal. */
  async append(entry: LogEntry): Promise<LogOutcome> {
    if (!this.#isOpen) throw new MooringError('LOG_FAILED', 'the log is closed');
    const work = this.#append(entry);
    this.#appends.add(work);
    try {
      return await work;
    } finally {
      this.#appends.delete(work);
    }
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    this.#settlement.close();
    await this.#commits?.close();
    await Promise.allSettled(this.#appends);
    await Promise.all([this.#link.close(), this.#tail.close()]);
    this.#admin.close();
  }

  /** What was said before now is known then. */
  async #readRefusals(signal: AbortSignal): Promise<void> {
    const spans = await this.#admin.ask((asked) => asked.offsets(this.#options.topics.names.acks));
    await this.#tail.readTo(
      spans.map(({ end }) => end),
      signal,
    );
  }

  async #append(entry: LogEntry): Promise<LogOutcome> {
    const verdict: Verdict = { pieces: new Set(), fresh: new Set(), tooLarge: [], refused: [] };
    const deadlineMs = this.#clock.monotonicMs() + APPEND_MS;
    // Before the first look at what was refused: what is forgotten from here on must not count as stored.
    const { epoch } = this.#ledger.rejected;
    for (let records = entry.records; records.length > 0; ) {
      records = await this.#advance({ ...entry, records }, verdict, deadlineMs - ACK_MS);
    }
    if (this.#link.fatal !== undefined) throw this.#link.fatal;
    return await this.#conclude(entry, verdict, deadlineMs, epoch);
  }

  /** Produces what nobody has. Resolves with what somebody else has had under way, and now either is there or is not. */
  async #advance(entry: LogEntry, verdict: Verdict, deadlineMs: number): Promise<readonly LogRecord[]> {
    const { run, records } = entry;
    const { rejected } = this.#ledger;
    const stored = this.#ledger.stored(run);
    const others = this.#flights.of(run);
    const fresh: LogRecord[] = [];
    const joined: LogRecord[] = [];
    for (const record of records) {
      const { sequence } = record;
      if (stored.has(sequence) || rejected.sinkOf(run, sequence) !== undefined) continue;
      const piece = this.#ledger.heldWith(run, sequence);
      if (piece !== undefined) verdict.pieces.add(piece);
      else if (others.some(({ sequences }) => sequences.has(sequence))) joined.push(record);
      else fresh.push(record);
    }
    // Looked at again once these are over; the others of this append go on meanwhile.
    const involved = others.filter(({ sequences }) => joined.some(({ sequence }) => sequences.has(sequence)));
    const [own] = await Promise.allSettled([
      fresh.length === 0 ? undefined : this.#produce({ ...entry, records: fresh }, verdict, deadlineMs),
      ...involved.map(({ landed }) => landed),
    ]);
    if (own?.status === 'rejected') throw own.reason;
    const elsewhere = new Set(own?.value);
    return elsewhere.size === 0 ? joined : records.filter((one) => joined.includes(one) || elsewhere.has(one.sequence));
  }

  /** Resolves with those of which another copy has said meanwhile that it has them. */
  async #produce(entry: LogEntry, verdict: Verdict, deadlineMs: number): Promise<number[]> {
    const { run, gateway } = entry;
    const { names, partitions } = this.#options.topics;
    const partition = partitionOf(gateway, partitions);
    const sequences: number[] = [];
    const messages: KafkaMessage[] = [];
    const sizes: number[] = [];
    for (const record of entry.records) {
      const value = jsonOf(record);
      const size = Buffer.byteLength(value);
      if (size > this.#recordBytesMax) {
        verdict.tooLarge.push(record.sequence);
        continue;
      }
      sequences.push(record.sequence);
      messages.push({ topic: names.records, partition, key: gateway, value });
      sizes.push(size);
    }
    if (messages.length === 0) return [];
    const refusalsEpoch = this.#ledger.refused.epoch;
    const land = this.#flights.begin(run, new IntervalSet(rangesOf(sequences)));
    try {
      const { span, refused } = await this.#link.produce({ messages, sizes, deadlineMs });
      const produced = new IntervalSet(rangesOf(sequences));
      for (const { index, isTooLarge } of refused) {
        const sequence = sequences[index] as number;
        produced.remove(sequence);
        (isTooLarge ? verdict.tooLarge : verdict.refused).push(sequence);
      }
      if (span === undefined) return [];
      const all = produced.ranges();
      const piece: HeldPiece = {
        run,
        gateway,
        partition,
        ...span,
        sequences: produced,
        isDeclared: false,
        sinceMs: this.#clock.monotonicMs(),
        refusalsEpoch,
      };
      if (this.#ledger.addHeld(piece)) this.#begin(piece, verdict);
      return sequencesIn(all).filter((sequence) => !verdict.fresh.has(sequence));
    } finally {
      land();
    }
  }

  /** Whoever waits for a piece shares what is begun here. */
  #begin(piece: HeldPiece, { pieces, fresh }: Verdict): void {
    pieces.add(piece);
    for (const sequence of sequencesIn(piece.sequences.ranges())) fresh.add(sequence);
    if (this.#commits === undefined) void this.#settlement.settle(piece);
    else this.#settlement.declare(piece).catch(() => undefined);
  }

  async #conclude(entry: LogEntry, verdict: Verdict, deadlineMs: number, epoch: number): Promise<LogOutcome> {
    const pieces = [...verdict.pieces];
    const rejected = rejectedOf(verdict, this.#recordBytesMax);
    const without = new Set([...verdict.tooLarge, ...verdict.refused]);
    const taken = entry.records.map(({ sequence }) => sequence).filter((sequence) => !without.has(sequence));
    if (this.#commits === undefined || pieces.length === 0) {
      await this.#until(deadlineMs, Promise.all(pieces.map((piece) => this.#settlement.settle(piece))));
      const sunk = this.#sunk(entry.run, taken, epoch);
      const stored = taken.filter((sequence) => !sunk.sequences.has(sequence));
      const added = stored.filter((sequence) => verdict.fresh.has(sequence)).length;
      return { stored: rangesOf(stored), added, held: [], rejected: [...rejected, ...sunk.rejections] };
    }
    await this.#until(deadlineMs, Promise.all(pieces.map((piece) => this.#settlement.declare(piece))));
    const asked = pieces.map((piece) => ({ piece, sequences: within(piece, taken) }));
    const settled = this.#watch(pieces);
    const patienceMs = Math.min(HELD_MS, deadlineMs - this.#clock.monotonicMs());
    if (settled !== undefined) await atMost(this.#clock, patienceMs, settled.catch(unlessExpired));
    if (this.#link.fatal !== undefined) throw this.#link.fatal;
    const held = new Set(asked.flatMap(({ piece, sequences }) => sequences.filter((one) => piece.sequences.has(one))));
    const concluded = taken.filter((sequence) => !held.has(sequence));
    const sunk = this.#sunk(entry.run, concluded, epoch);
    const stored = concluded.filter((sequence) => !sunk.sequences.has(sequence));
    return {
      stored: rangesOf(stored),
      added: stored.filter((sequence) => verdict.fresh.has(sequence)).length,
      held: rangesOf(taken.filter((sequence) => held.has(sequence))),
      rejected: [...rejected, ...sunk.rejections],
    };
  }

  /** What sinks have refused for good of some records. Throws `LOG_FAILED` where anything was forgotten since. */
  #sunk(run: RunId, sequences: readonly number[], epoch: number): Sunk {
    if (this.#ledger.rejected.epoch !== epoch) {
      throw new MooringError('LOG_FAILED', 'what sinks have refused is forgotten: send it again');
    }
    const sinks = new Map<string, number[]>();
    for (const sequence of sequences) {
      const sink = this.#ledger.rejected.sinkOf(run, sequence);
      if (sink !== undefined) sinks.set(sink, [...(sinks.get(sink) ?? []), sequence]);
    }
    return {
      sequences: new Set([...sinks.values()].flat()),
      rejections: [...sinks].map(([sink, some]) => rejectionBy(sink, rangesOf(some.toSorted((a, b) => a - b)))),
    };
  }

  /** Resolves when all is stored. Undefined where too many wait already: while sinks are away, gateways ask again and again. */
  #watch(pieces: readonly HeldPiece[]): Promise<void> | undefined {
    if (this.#watched >= this.#watchedMax) return undefined;
    this.#watched += 1;
    const settling = pieces.map((piece) => this.#settlement.settle(piece));
    void Promise.allSettled(settling).then(() => {
      this.#watched -= 1;
    });
    const settled = Promise.all(settling).then(() => undefined);
    settled.catch(() => undefined);
    return settled;
  }

  /** What is not finished then goes on, and whoever repeats the append shares it. */
  async #until(deadlineMs: number, work: Promise<unknown>): Promise<void> {
    await withDeadline(this.#clock, deadlineMs - this.#clock.monotonicMs(), work, () => {
      return new MooringError('LOG_FAILED', 'Kafka has not taken the acknowledgement in time');
    });
  }
}

const NOWHERE: Standing = { stored: [], held: [], rejected: [] };

interface Sunk {
  readonly sequences: ReadonlySet<number>;
  readonly rejections: readonly LogRejection[];
}

/** What the log has lost is not even held: it is to be sent again now. Otherwise, whoever asks again waits again. */
function unlessExpired(error: unknown): void {
  if (error instanceof MooringError && error.code === 'LOG_EXPIRED') throw error;
}
