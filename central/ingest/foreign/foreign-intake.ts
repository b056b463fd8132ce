import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import { foreignIdOf, foreignRecordOf, type Occasion } from '../../formats/foreign-record.ts';
import { ForeignStations } from '../../formats/foreign-station.ts';
import type { ForeignMessage, Format, Reading } from '../../formats/format.ts';
import type { UplinkMerge } from '../../formats/lorawan/uplink-merge.ts';
import { cutText } from '../../formats/refuse.ts';
import type { Registry } from '../../formats/registry/registry.ts';
import type { ForeignLetters, ForeignRefusal, ForeignRefusalCode } from './foreign-letters.ts';
import type { ForeignEntry, ForeignFailure, ForeignFate, ForeignLog, ForeignPlace } from './foreign-log.ts';
import { RecentIds } from './recent-ids.ts';
import { RefusalNotices } from './refusal-notices.ts';

export interface ForeignIntakeOptions {
  /** Key of `sources`; becomes `gateway`. */
  readonly source: string;
  readonly format: Format;
  readonly registry?: Pick<Registry, 'entryOf'> | undefined;
  /** Who has which name; left out: nobody yet, and known until it ends. */
  readonly stations?: Pick<ForeignStations, 'collisionOf'> | undefined;
  /** Makes one of the copies of an uplink. */
  readonly merge?: Pick<UplinkMerge, 'firstOf'> | undefined;
  readonly recordLog: ForeignLog;
  readonly letters: ForeignLetters;
  /** See `RecentIdsOptions.windowMs`; `dedupe` of the source. */
  readonly dedupeMs: number;
  /** Bytes that may wait for the log at once, of messages and of their records as JSON; one message alone may have more. */
  readonly bytesMax: number;
  /** A longer message goes to the dead letter unread; 1 MiB if left out. */
  readonly messageBytesMax?: number | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** A message that came to a source. */
export interface ReceivedMessage extends ForeignMessage {
  /** Of the first receipt, where it is given again: UTC, milliseconds since 1970. */
  readonly receivedAtMs: number;
  /** Names readings that say no time, and is their time; left out: the receipt. */
  readonly delivery?: Occasion | undefined;
  /** The broker had kept it, and it may have come before: a reading without a time in it is not a new one. */
  readonly isRetained?: boolean | undefined;
}

/** A record that is durable. */
export interface TakenRecord extends ForeignPlace {
  readonly id: string;
  /** The message's own id, where it has one; else the device's name for itself. */
  readonly original: string;
}

/** All that can be used of the message is in the log, all the rest in the dead letter. Either list may be empty. */
export interface ForeignTaken {
  readonly isTaken: true;
  readonly records: readonly TakenRecord[];
  readonly refused: readonly ForeignRefusal[];
}

/** Nobody has it: to be given again, or lost. */
export interface ForeignNotTaken {
  readonly isTaken: false;
  /** There is no room, or the log or the dead letter takes nothing. */
  readonly why: 'busy' | 'failed';
  readonly retryAfterMs: number;
}

export type ForeignOutcome = ForeignTaken | ForeignNotTaken;

/** What takes a source's messages: `ForeignIntake`, or a test's stand-in. */
export interface MessageTaker {
  /** Rejects for a bug only. Messages go to the log in the order in which they were given. */
  take(message: ReceivedMessage): Promise<ForeignOutcome>;
}

export interface ForeignIntakeStats {
  /** Messages that were taken, whatever was in them. */
  readonly messages: number;
  /** Records that were written. */
  readonly records: number;
  /** Records that came again within `dedupe`, and were not written. */
  readonly duplicates: number;
  /** Readings without a time that a broker had retained, and that were not written. */
  readonly retained: number;
  /** Parts of messages, or whole ones, that went to the dead letter. */
  readonly refused: number;
  /** The same by why; a code without any is absent. */
  readonly refusedBy: ReadonlyMap<ForeignRefusalCode, number>;
  /** Times that a message was turned away for want of room. */
  readonly busy: number;
  /** Times that a message was turned away as the log or the dead letter took nothing. */
  readonly failed: number;
  readonly bytesWaiting: number;
  /** The log or the dead letter took nothing the last time. */
  readonly isFailing: boolean;
  /** When a message was last taken, UTC milliseconds; undefined: none since the start. */
  readonly takenMs: number | undefined;
}

/** When what was not taken may be given again, in milliseconds. */
const RETRY_AFTER_MS = 2000;
const MESSAGE_BYTES_MAX = 2 ** 20;

/** From the bytes of an existing device's message to its records in the log, whatever they came through. */
export class ForeignIntake implements MessageTaker {
  readonly #options: ForeignIntakeOptions;
  readonly #log: Log;
  readonly #stations: Pick<ForeignStations, 'collisionOf'>;
  readonly #recent: RecentIds;
  readonly #notices: RefusalNotices<'refused' | 'busy'>;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #counts = { messages: 0, records: 0, duplicates: 0, retained: 0, refused: 0, busy: 0, failed: 0 };
  readonly #refusedBy = new Map<ForeignRefusalCode, number>();
  #bytesWaiting = 0;
  #isFailing = false;
  #takenMs: number | undefined;

  constructor(options: ForeignIntakeOptions) {
    const { clock, dedupeMs } = options;
    this.#options = options;
    this.#stations = options.stations ?? new ForeignStations();
    this.#log = options.log.child({ source: options.source });
    this.#recent = new RecentIds({ clock, windowMs: dedupeMs });
    this.#notices = new RefusalNotices(clock, this.#log);
  }

  get stats(): ForeignIntakeStats {
    return {
      ...this.#counts,
      refusedBy: new Map(this.#refusedBy),
      bytesWaiting: this.#bytesWaiting,
      isFailing: this.#isFailing,
      takenMs: this.#takenMs,
    };
  }

  async take(message: ReceivedMessage): Promise<ForeignOutcome> {
    // What has no room now is not even looked at: that would be most of the work.
    if (!this.#hasRoom(message.bytes.length)) return this.#busy();
    const made = this.#recordsOf(message);
    const bytes = made.entries.reduce((sum, { entry }) => sum + entry.json.length, message.bytes.length);
    if (!this.#hasRoom(bytes)) return this.#busy();
    this.#bytesWaiting += bytes;
    const work = this.#store(message, made);
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#bytesWaiting -= bytes;
      this.#underWay.delete(work);
    }
  }

  /** Resolves when every message that was given has been answered for. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  async #store(message: ReceivedMessage, { entries, refused, retained }: Made): Promise<ForeignOutcome> {
    const { source, letters } = this.#options;
    try {
      const fates = await this.#fatesOf(entries.map(({ entry }) => entry));
      const records: TakenRecord[] = [];
      for (const [index, fate] of fates.entries()) {
        const { entry, original } = entries[index] as MadeEntry;
        if ('refused' in fate) refused.push(refusalByLog(fate.refused, entry));
        else records.push({ id: entry.flat.id, original, partition: fate.partition, offset: fate.offset });
      }
      if (refused.length > 0) await letters.append({ ...message, source, refused });
      this.#succeeded(refused, retained);
      return { isTaken: true, records, refused };
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** Of records that are there, or on their way by another message or by this one, no further copy is written. */
  async #fatesOf(entries: readonly ForeignEntry[]): Promise<readonly ForeignFate[]> {
    const fresh: ForeignEntry[] = [];
    const appended = Promise.withResolvers<readonly (ForeignFate | ForeignFailure)[]>();
    // Each who waits is told; that nobody does is no error.
    appended.promise.catch(() => undefined);
    let duplicates = 0;
    const fates = entries.map((entry) => {
      const before = this.#recent.fateOf(entry.flat.id);
      if (before !== undefined) {
        duplicates += 1;
        return before;
      }
      const index = fresh.push(entry) - 1;
      // What is durable is so whatever becomes of the others: given again, it is not written again.
      const fate = appended.promise.then((all) => known(all[index] as ForeignFate | ForeignFailure));
      this.#recent.begin(entry.flat.id, fate);
      return fate;
    });
    if (fresh.length === 0) appended.resolve([]);
    else this.#options.recordLog.append(fresh).then(appended.resolve, appended.reject);
    const all = Promise.all(fates);
    all.catch(() => undefined);
    const written = (await appended.promise).filter((fate) => 'offset' in fate);
    this.#counts.records += written.length;
    const settled = await all;
    this.#counts.duplicates += duplicates;
    return settled;
  }

  #recordsOf(message: ReceivedMessage): Made {
    const { format, messageBytesMax = MESSAGE_BYTES_MAX } = this.#options;
    const entries: MadeEntry[] = [];
    const refused: ForeignRefusal[] = [];
    let retained = 0;
    const text = (): string => cutText(Buffer.from(message.bytes.subarray(0, TEXT_BYTES)).toString('utf8'));
    if (message.bytes.length > messageBytesMax) {
      const reason = `the message is larger than ${messageBytesMax} bytes`;
      return { entries, refused: [{ code: 'too_large', reason, text: text() }], retained };
    }
    try {
      const parsed = format.parse(message);
      const occasions = new Occasions(this.#options.source, message);
      for (const reading of parsed.readings) {
        if (message.isRetained === true && reading.timestampMs === undefined) {
          retained += 1;
          continue;
        }
        const made = this.#recordOf(reading, message.receivedAtMs, occasions.of(reading));
        if ('code' in made) refused.push(made);
        else entries.push(made);
      }
      refused.push(...parsed.refused.map((part) => ({ ...part, code: 'invalid_record' as const })));
    } catch (error) {
      refused.push({ code: 'invalid_record', reason: reasonOf(error), text: text() });
    }
    return { entries, refused, retained };
  }

  #recordOf(reading: Reading, receivedAtMs: number, occasion: Occasion | undefined): MadeEntry | ForeignRefusal {
    const { source, registry, merge } = this.#options;
    try {
      const registered = registry?.entryOf(reading.sourceId);
      const own = foreignRecordOf({ source, reading, receivedAtMs, occasion, registered });
      const other = this.#stations.collisionOf(own.station, reading.sourceId);
      if (other !== undefined) {
        const reason = `${cutText(reading.sourceId)} and ${cutText(other)} are both ${own.station}`;
        const taken = { station: own.station, other };
        return { code: 'name_collision', reason, text: cutText(JSON.stringify(reading)), taken };
      }
      const flat = merge === undefined ? own : { ...own, ...merge.firstOf(reading, own) };
      return { entry: { flat, json: JSON.stringify(flat) }, original: originalOf(reading) };
    } catch (error) {
      return { code: 'invalid_record', reason: reasonOf(error), text: cutText(JSON.stringify(reading)) };
    }
  }

  #hasRoom(bytes: number): boolean {
    return this.#bytesWaiting === 0 || this.#bytesWaiting + bytes <= this.#options.bytesMax;
  }

  #busy(): ForeignNotTaken {
    this.#counts.busy += 1;
    this.#notices.add('busy', 'messages of a source are turned away: too many wait for the log', {
      bytesMax: this.#options.bytesMax,
    });
    return { isTaken: false, why: 'busy', retryAfterMs: RETRY_AFTER_MS };
  }

  #failed(error: unknown): ForeignNotTaken {
    if (!(error instanceof MooringError)) throw error;
    this.#counts.failed += 1;
    if (!this.#isFailing) this.#log.error({ err: error }, 'messages of a source cannot be stored');
    this.#isFailing = true;
    return { isTaken: false, why: 'failed', retryAfterMs: RETRY_AFTER_MS };
  }

  #succeeded(refused: readonly ForeignRefusal[], retained: number): void {
    this.#counts.messages += 1;
    if (retained > 0 && this.#counts.retained === 0) {
      const hint = 'They are not recorded: nobody knows when they were said. Devices should not have them retained.';
      this.#log.warn({ hint }, 'the broker has retained readings of a source that say no time');
    }
    this.#counts.retained += retained;
    this.#counts.refused += refused.length;
    for (const { code } of refused) this.#refusedBy.set(code, (this.#refusedBy.get(code) ?? 0) + 1);
    this.#takenMs = this.#options.clock.wallMs();
    const [first] = refused;
    if (first !== undefined) {
      const { code, reason } = first;
      this.#notices.add('refused', 'messages of a source are refused: they are in the dead letter', { code, reason });
    }
    if (this.#isFailing) this.#log.info({}, 'messages of a source are stored again');
    this.#isFailing = false;
  }
}

function known(fate: ForeignFate | ForeignFailure): ForeignFate {
  if ('failure' in fate) throw fate.failure;
  return fate;
}

/** What is read of a message that is refused as a whole, for the text of its part. */
const TEXT_BYTES = 2048;

interface MadeEntry {
  readonly entry: ForeignEntry;
  readonly original: string;
}

interface Made {
  readonly entries: readonly MadeEntry[];
  readonly refused: ForeignRefusal[];
  readonly retained: number;
}

/**
 * What names the readings of one message that say no time: its delivery, and which it is of those in it that are equal. So
 * a part that is refused, and is not any more when the message is given again, changes no other's id.
 */
class Occasions {
  readonly #source: string;
  readonly #message: ReceivedMessage;
  readonly #equal = new Map<string, number>();

  constructor(source: string, message: ReceivedMessage) {
    this.#source = source;
    this.#message = message;
  }

  of(reading: Reading): Occasion | undefined {
    if (reading.timestampMs !== undefined) return undefined;
    const { receivedAtMs, delivery = { name: String(receivedAtMs), timestampMs: receivedAtMs } } = this.#message;
    const content = foreignIdOf(this.#source, reading);
    const before = this.#equal.get(content) ?? 0;
    this.#equal.set(content, before + 1);
    return before === 0 ? delivery : { ...delivery, name: `${delivery.name} ${before}` };
  }
}

/** Anything but `RECORD_INVALID` is a bug, and thrown on. */
function reasonOf(error: unknown): string {
  if (!(error instanceof MooringError) || error.code !== 'RECORD_INVALID') throw error;
  return error.message;
}

function refusalByLog(code: 'too_large' | 'refused_by_log', { json }: ForeignEntry): ForeignRefusal {
  const reason = code === 'too_large' ? 'the record is larger than the log takes' : 'the log refuses the record';
  return { code, reason, text: cutText(json) };
}

function originalOf({ info, sourceId }: Reading): string {
  for (const own of [info?.uuid, info?.id]) {
    if (typeof own === 'string' || typeof own === 'number') return String(own);
  }
  return sourceId;
}
