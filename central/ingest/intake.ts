import assert from 'node:assert/strict';
import type { Ack, RejectCode } from '../../protocol/ack.ts';
import { encodeAck } from '../../protocol/ack-codec.ts';
import type { Batch, BatchPreamble } from '../../protocol/batch.ts';
import { BATCH_VERSION, decodeBatch, decodePreamble } from '../../protocol/batch-codec.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { type RunId, runIdOf } from '../../protocol/ids.ts';
import { countOf, IntervalSet, type Range, rangesOf } from '../../protocol/intervals.ts';
import type { SequencedRecord } from '../../protocol/record.ts';
import type { Clock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { AckSource, HeldRecords, LogOutcome, RecordLog } from '../recordlog/recordlog.ts';
import { acksOf, addressOf, type Verdict } from './answer.ts';
import type { DeadLetter, DeadLetters } from './dead-letter.ts';
import { type Asker, HeldRuns } from './held.ts';
import type { Route } from './ingest.ts';
import { type Inspected, inspect } from './inspect.ts';

export interface IntakeOptions {
  readonly recordLog: Pick<RecordLog, 'append'>;
  /**
   * What the log knows to be acknowledged: a repeat of that is answered at once. Left out: the log is asked every time,
   * which does the same, later.
   */
  readonly ledger?: Pick<AckSource, 'isAcknowledged'>;
  /** What the log holds for sinks that decide; left out where it never does, and says `held` of nothing. */
  readonly held?: HeldRecords;
  readonly deadLetters: DeadLetters;
  readonly clock: Clock;
  readonly log: Log;
  /** Bytes that may wait for the log at once, as encoded and as JSON; one batch alone may have more. */
  readonly bytesMax: number;
  /** See `HeldRunsOptions`. */
  readonly heldRangesMax?: number;
}

export interface IntakeStats {
  /** Batches that came, of any kind. */
  readonly batches: number;
  /** Records that are durable now where `ack` asks for it, and were not before. */
  readonly stored: number;
  /** Records that came here, that the log has and that are not yet where `ack` asks for them, as far as they are remembered. */
  readonly held: number;
  /** Records that came again and were not written. */
  readonly duplicates: number;
  /** Records that went to the dead letter. */
  readonly rejected: number;
  /** Batches answered `busy`. */
  readonly busy: number;
  /** Batches whose body could not be decoded, or whose version is newer. */
  readonly unreadable: number;
  /** Messages that nobody can be answered for. */
  readonly notABatch: number;
  /** Bytes that wait for the log. */
  readonly bytesWaiting: number;
  /** The log took nothing the last time. */
  readonly isLogFailing: boolean;
  /** The dead letter took nothing the last time: what is refused stays with the gateways. */
  readonly isDeadLetterFailing: boolean;
}

/** When a gateway may come back with what was not taken, in milliseconds. */
const RETRY_AFTER_MS = 2000;
/** How long nothing must have been refused before the intake counts as relieved, in milliseconds. */
const RELIEVED_MS = 10_000;
/** A ledger that knows nothing. */
const NO_LEDGER: Pick<AckSource, 'isAcknowledged'> = { isAcknowledged: () => false };

/**
 * From a batch's bytes to its ack, whatever they came through. Keeps nothing that it cannot lose: until the log has a
 * record, the gateway has it. Has no memory of its own of what was acknowledged, because the log's ledger is one that
 * survives a restart and cannot disagree with the log.
 */
export class Intake {
  readonly #recordLog: Pick<RecordLog, 'append'>;
  readonly #ledger: Pick<AckSource, 'isAcknowledged'>;
  readonly #deadLetters: DeadLetters;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #bytesMax: number;
  readonly #held: HeldRuns | undefined;
  readonly #underWay = new Set<Promise<void>>();
  readonly #counts = { batches: 0, stored: 0, duplicates: 0, rejected: 0, busy: 0, unreadable: 0, notABatch: 0 };
  #bytesWaiting = 0;
  #isLogFailing = false;
  #isDeadLetterFailing = false;
  /** When something was last refused for want of room, while that is the state of things. */
  #fullMs: number | undefined;
  #isClosed = false;

  constructor({ recordLog, ledger, held, deadLetters, clock, log, bytesMax, heldRangesMax }: IntakeOptions) {
    this.#recordLog = recordLog;
    this.#ledger = ledger ?? NO_LEDGER;
    this.#deadLetters = deadLetters;
    this.#clock = clock;
    this.#log = log;
    this.#bytesMax = bytesMax;
    this.#held =
      held &&
      new HeldRuns({
        records: held,
        clock,
        ...(heldRangesMax === undefined ? {} : { rangesMax: heldRangesMax }),
        onStored: (count) => {
          this.#counts.stored += count;
        },
        onRejected: (count) => {
          this.#counts.rejected += count;
        },
        onRepeated: (count) => {
          this.#counts.duplicates += count;
        },
      });
  }

  get stats(): IntakeStats {
    return {
      ...this.#counts,
      held: this.#held?.records ?? 0,
      bytesWaiting: this.#bytesWaiting,
      isLogFailing: this.#isLogFailing,
      isDeadLetterFailing: this.#isDeadLetterFailing,
    };
  }

  /**
   * Takes a batch of the gateway that the channel authenticates. `answer` is called with each ack, at once, later, again
   * after hours where records are held, or never when the bytes are no batch, or what is held of it is said together with
   * others. Throws nothing and waits for nothing.
   */
  receive(gateway: string, bytes: Uint8Array, answer: (ack: Uint8Array) => void, route: Route = { way: this }): void {
    this.#counts.batches += 1;
    const preamble = preambleOf(bytes);
    if (preamble === undefined) {
      this.#counts.notABatch += 1;
      return;
    }
    const say = (part: Partial<Ack>): void => answer(encodeAck({ ...addressOf(preamble), ...part }));
    if (this.#isClosed || !this.#hasRoom(bytes.length)) {
      this.#refuse(say);
      return;
    }
    const batch = bodyOf(bytes);
    if ('unreadable' in batch || 'versionMax' in batch) {
      this.#counts.unreadable += 1;
      say(batch);
      return;
    }
    this.#take(gateway, batch, bytes.length, { answer, say, route });
  }

  /** Resolves when every batch that was taken has been answered. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  /** From now on every batch is `busy`; resolves when those that were taken have been answered. What is held stays so. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.idle();
    this.#held?.close();
  }

  #take(gateway: string, batch: Batch, encodedBytes: number, reply: Reply): void {
    const run = runIdOf(gateway, batch.salt);
    const fresh: SequencedRecord[] = [];
    const repeats: number[] = [];
    for (const record of batch.records) {
      if (this.#ledger.isAcknowledged(run, record.sequence)) repeats.push(record.sequence);
      else fresh.push(record);
    }
    const inspected = inspect({ gateway, run, records: fresh, receivedAtMs: this.#clock.wallMs() });
    const bytes = encodedBytes + inspected.jsonBytes;
    if (!this.#hasRoom(bytes)) {
      this.#refuse(reply.say);
      return;
    }
    this.#bytesWaiting += bytes;
    const asker = askerOf(batch, reply);
    this.#held?.heard(run, asker);
    const work = this.#store(inspected, rangesOf(repeats))
      .then(
        (verdict) => this.#answer(run, asker, verdict, reply),
        (error: unknown) => {
          this.#failed(error);
          this.#refuse(reply.say);
        },
      )
      .finally(() => {
        this.#bytesWaiting -= bytes;
        this.#underWay.delete(work);
      });
    this.#underWay.add(work);
  }

  /** What is held alone may wait a moment for others of its run, which are said by one ack; nothing else does. */
  #answer(run: RunId, asker: Asker, verdict: Verdict, { answer, say, route }: Reply): void {
    const { held } = verdict;
    const isHeldAlone = this.#held !== undefined && verdict.stored.length + verdict.rejected.length === 0;
    const acks = acksOf(asker.address, isHeldAlone ? { ...verdict, held: [] } : verdict);
    for (const ack of acks) answer(encodeAck(ack));
    if (acks.length === 0 && held.length === 0) this.#refuse(say);
    if (held.length > 0) this.#held?.keep(run, asker, held, isHeldAlone ? (route.onHeld ?? NOTHING_MORE) : undefined);
  }

  /** Resolves when all that the verdict says is true on disk. What it does not mention stays the gateway's to send. */
  async #store({ entry, refused }: Inspected, repeats: readonly Range[]): Promise<Verdict> {
    const outcome = entry.records.length === 0 ? NOTHING : await this.#recordLog.append(entry);
    if (outcome !== NOTHING) this.#succeeded();
    const letters = await this.#kept([...refused, ...lettersOf(outcome, entry, this.#clock.wallMs())]);
    this.#counts.duplicates += countOf(repeats) + countOf(outcome.stored) - outcome.added;
    this.#counts.stored += outcome.added;
    this.#counts.rejected += letters.length;
    const kept = outcome.rejected.filter(({ isKept }) => isKept === true);
    this.#counts.rejected += kept.reduce((sum, { ranges }) => sum + countOf(ranges), 0);
    const codes = Map.groupBy(letters, ({ code }) => code);
    return {
      stored: mergedRanges(repeats, outcome.stored),
      held: outcome.held,
      rejected: [
        ...kept,
        ...[...codes].map(([code, some]: [RejectCode, DeadLetter[]]) => ({
          code,
          ranges: rangesOf(some.map(({ sequence }) => sequence).sort((a, b) => a - b)),
        })),
      ],
    };
  }

  /** The letters that are in the dead letter now: all, or none. */
  async #kept(letters: readonly DeadLetter[]): Promise<readonly DeadLetter[]> {
    if (letters.length === 0) return [];
    try {
      await this.#deadLetters.append(letters);
    } catch (error) {
      if (!(error instanceof MooringError)) throw error;
      if (!this.#isDeadLetterFailing) {
        this.#log.error({ err: error }, 'refused records cannot be kept: they stay with the gateways');
      }
      this.#isDeadLetterFailing = true;
      return [];
    }
    if (this.#isDeadLetterFailing) this.#log.info({}, 'refused records are kept again');
    this.#isDeadLetterFailing = false;
    return letters;
  }

  #hasRoom(bytes: number): boolean {
    const hasRoom = this.#bytesWaiting === 0 || this.#bytesWaiting + bytes <= this.#bytesMax;
    const nowMs = this.#clock.monotonicMs();
    if (!hasRoom) {
      if (this.#fullMs === undefined) {
        this.#log.warn({ bytesMax: this.#bytesMax }, 'the intake is full: gateways are told to come back later');
      }
      this.#fullMs = nowMs;
    } else if (this.#fullMs !== undefined && nowMs - this.#fullMs >= RELIEVED_MS) {
      this.#fullMs = undefined;
      this.#log.info({}, 'the intake has room again');
    }
    return hasRoom;
  }

  #refuse(say: (part: Partial<Ack>) => void): void {
    this.#counts.busy += 1;
    say({ busy: { retryAfterMs: RETRY_AFTER_MS } });
  }

  #failed(error: unknown): void {
    if (!(error instanceof MooringError)) throw error;
    if (!this.#isLogFailing) {
      this.#log.error({ err: error }, 'records cannot be stored: gateways are told to come back later');
    }
    this.#isLogFailing = true;
  }

  #succeeded(): void {
    if (this.#isLogFailing) this.#log.info({}, 'records are stored again');
    this.#isLogFailing = false;
  }
}

/** How a batch is answered. */
interface Reply {
  readonly answer: (ack: Uint8Array) => void;
  /** The same, in parts, by the batch's name. */
  readonly say: (part: Partial<Ack>) => void;
  readonly route: Route;
}

/** Without the batch's records, which an answer that comes late must not keep. */
function askerOf(batch: Batch, { answer, route: { way, answerMany = answer } }: Reply): Asker {
  return { address: addressOf(batch), way, answer: answerMany };
}

const NOTHING_MORE = (): void => undefined;

const NOTHING: LogOutcome = { stored: [], added: 0, held: [], rejected: [] };

function preambleOf(bytes: Uint8Array): BatchPreamble | undefined {
  try {
    return decodePreamble(bytes);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/** The batch, or what to answer instead. */
function bodyOf(bytes: Uint8Array): Batch | { readonly unreadable: true } | { readonly versionMax: number } {
  try {
    return decodeBatch(bytes);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return error.code === 'VERSION' ? { versionMax: BATCH_VERSION } : { unreadable: true };
  }
}

/** What the log refused for good, and is in no dead letter yet. */
function lettersOf({ rejected }: LogOutcome, { gateway, run, records }: Inspected['entry'], receivedAtMs: number) {
  return rejected.flatMap(({ ranges, code, reason, isKept }): DeadLetter[] => {
    if (isKept === true) return [];
    const set = new IntervalSet(ranges);
    return records
      .filter(({ sequence }) => set.has(sequence))
      .map(({ sequence, json }) => {
        assert(json !== undefined, 'made by `inspect`');
        return { code, reason, gateway, run, sequence, receivedAtMs, json };
      });
  });
}

function mergedRanges(one: readonly Range[], other: readonly Range[]): Range[] {
  return new IntervalSet([...one, ...other]).ranges();
}
