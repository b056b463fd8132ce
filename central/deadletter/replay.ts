import type { RunId } from '../../protocol/ids.ts';
import type { SequencedRecord } from '../../protocol/record.ts';
import type { Clock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { SourceConfig } from '../config/sources/types.ts';
import type { Occasion } from '../formats/foreign-record.ts';
import { type ForeignStations, stationOf } from '../formats/foreign-station.ts';
import type { Format, Reading } from '../formats/format.ts';
import type { Registry } from '../formats/registry/registry.ts';
import { ForeignIntake } from '../ingest/foreign/foreign-intake.ts';
import { PARTS_MAX } from '../ingest/foreign/foreign-letters.ts';
import { foreignKeyOf } from '../ingest/foreign/foreign-log.ts';
import { formatOfSource } from '../ingest/foreign/source-format.ts';
import { loadStations, stationFileOf } from '../ingest/foreign/station-memory.ts';
import { inspect } from '../ingest/inspect.ts';
import type { KafkaMessage } from '../recordlog/kafka/client.ts';
import { KafkaForeignLog } from '../recordlog/kafka/foreign-records.ts';
import type { LogLink } from '../recordlog/kafka/log-link.ts';
import { partitionOf } from '../recordlog/kafka/partitioner.ts';
import type { TopicsSpec } from '../recordlog/kafka/topics.ts';
import { storeRecordOf } from '../sinks/feed/topic-record.ts';
import type { StoreRecord } from '../sinks/remote/remote-store.ts';
import { type Letter, messageOf, replayMarkLine } from './letter.ts';
import { partitionOfLetter } from './letter-box.ts';

export interface ReplayOptions {
  readonly link: Pick<LogLink, 'produce'>;
  readonly topics: TopicsSpec;
  readonly sources: readonly SourceConfig[];
  /** By name, opened. */
  readonly registries: ReadonlyMap<string, Registry>;
  /** `state` of the centre: what it remembers of devices' names. */
  readonly stateDir: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** What became of one letter. */
export type Replayed =
  | { readonly id: string; readonly state: 'replayed'; readonly records: number }
  | { readonly id: string; readonly state: 'refused'; readonly reason: string };

const APPEND_MS = 20_000;
/** More than a letter holds. */
const BYTES_MAX = 8 * 2 ** 20;

/** Puts what is in letters back on its way, under the ids that it would have had. */
export class Replay {
  readonly #options: ReplayOptions;
  readonly #intakes = new Map<string, SourceReplay>();

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  /**
   * Resolves when its records are durable in the log and the letter is marked, or with why it stays where it is. Rejects with
   * `LOG_FAILED`, and `CONFIG_INVALID` for a mapping: to be given again, as all ids stay the same.
   */
  async replay(letter: Letter): Promise<Replayed> {
    const { id } = letter;
    try {
      const records = await this.#putBack(letter);
      await this.#mark(id, records);
      return { id, state: 'replayed', records };
    } catch (error) {
      if (!(error instanceof MooringError) || error.code !== 'RECORD_INVALID') throw error;
      return { id, state: 'refused', reason: error.message };
    }
  }

  async #putBack(letter: Letter): Promise<number> {
    switch (letter.kind) {
      case 'source':
        return await this.#sourceOf(letter.origin).take(letter, wholeMessageOf(letter));
      case 'sink':
        return await this.#append(recordOfSink(letter, this.#options.topics.names.records));
      case 'gateway':
        return await this.#append(recordOfGateway(letter));
      case 'unreadable':
        return refused(letter.reason);
    }
  }

  /** A record as it is read from the topic of records goes there again. */
  async #append({ flat, json, place }: StoreRecord): Promise<number> {
    const key = place === undefined ? foreignKeyOf(flat) : flat.gateway;
    const { topics } = this.#options;
    await this.#produce({
      topic: topics.names.records,
      partition: partitionOf(key, topics.partitions),
      key,
      value: json,
    });
    return 1;
  }

  async #mark(id: string, records: number): Promise<void> {
    const { topics, clock } = this.#options;
    const value = replayMarkLine(id, records, clock.wallMs());
    const partition = partitionOfLetter(id) ?? 0;
    await this.#produce({ topic: topics.names.deadLetter, partition, key: id, value });
  }

  async #produce(message: KafkaMessage): Promise<void> {
    const { link, clock } = this.#options;
    const { refused: some } = await link.produce({
      messages: [message],
      sizes: [Buffer.byteLength(message.value)],
      deadlineMs: clock.monotonicMs() + APPEND_MS,
    });
    const [first] = some;
    if (first !== undefined) refused(first.isTooLarge ? 'larger than the log takes' : 'the log refuses it');
  }

  #sourceOf(name: string): SourceReplay {
    const known = this.#intakes.get(name);
    if (known !== undefined) return known;
    const config = this.#options.sources.find((source) => source.name === name);
    if (config === undefined) return refused(`the configuration has no source ${name}`);
    const made = new SourceReplay(config, this.#options);
    this.#intakes.set(name, made);
    return made;
  }
}

/** One source as the configuration has it now. What it refuses again makes no second letter. */
class SourceReplay {
  readonly #format: Format;
  readonly #intake: ForeignIntake;
  readonly #path: string;

  constructor(
    { name, registry, ...format }: SourceConfig,
    { link, topics, registries, stateDir, clock, log }: ReplayOptions,
  ) {
    this.#path = stationFileOf(stateDir, name);
    this.#format = formatOfSource(format);
    this.#intake = new ForeignIntake({
      source: name,
      format: this.#format,
      registry: registry === undefined ? undefined : registries.get(registry),
      recordLog: new KafkaForeignLog({ link, topics, clock }),
      letters: { append: async () => await Promise.resolve() },
      dedupeMs: 0,
      bytesMax: BYTES_MAX,
      clock,
      log,
    });
  }

  async take({ body, time }: Letter, bytes: Buffer): Promise<number> {
    const receivedAtMs = Date.parse(time);
    if (!Number.isFinite(receivedAtMs)) return refused('the letter does not say when it was received');
    const topic = typeof body.topic === 'string' ? body.topic : undefined;
    // What can be used of it was recorded when it came: as long as the rest is refused, nothing is written a second time.
    const { readings, refused: parts } = this.#format.parse({ bytes, topic });
    if (parts[0] !== undefined) return refused(parts[0].reason);
    refuseCollisions(body, readings, await loadStations(this.#path));
    const outcome = await this.#intake.take({ bytes, topic, receivedAtMs, delivery: deliveryOf(body.delivery) });
    if (!outcome.isTaken) throw new MooringError('LOG_FAILED', 'the log has not taken the records of a letter');
    const [first] = outcome.refused;
    return first === undefined ? outcome.records.length : refused(first.reason);
  }
}

/**
 * A device whose name is another's stays in the letter until it has another name: by the letter itself, as any copy of the
 * centre may have written it, and by what this one remembers.
 */
function refuseCollisions(
  body: Readonly<Record<string, unknown>>,
  readings: readonly Reading[],
  stations: ForeignStations,
): void {
  const parts = Array.isArray(body.parts) ? (body.parts as Record<string, unknown>[]) : [];
  const collided = parts.filter((part) => part.code === 'name_collision');
  const owners = new Map(collided.map(({ taken }) => [memberOf(taken, 'station'), memberOf(taken, 'other')] as const));
  if (collided.length === PARTS_MAX || owners.has(undefined)) refused(`${String(body.reason)}: ${RENAME}`);
  for (const { sourceId } of readings) {
    const station = stationOf(sourceId);
    const other = owners.get(station) ?? stations.ownerOf(station);
    if (other !== undefined && other !== sourceId)
      refused(`${sourceId} would be written as ${station}, which is the name of ${String(other)}: ${RENAME}`);
  }
}

const RENAME = 'give the device another name, have a mapping read another source_id, or hear it by a source of its own';

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

function deliveryOf(value: unknown): Occasion | undefined {
  if (typeof value !== 'object' || value === null || !('name' in value) || !('time' in value)) return undefined;
  const timestampMs = Date.parse(String(value.time));
  return Number.isFinite(timestampMs) ? { name: String(value.name), timestampMs } : undefined;
}

function wholeMessageOf(letter: Letter): Buffer {
  const message = messageOf(letter);
  if (message === undefined) return refused('there is no message in the letter');
  return message.isWhole ? message.bytes : refused('the letter has only the beginning of the message');
}

function recordOfSink(letter: Letter, recordsTopic: string): StoreRecord {
  if (letter.body.topic !== recordsTopic) return refused(`it does not come from ${recordsTopic}`);
  return storeRecordOf(wholeMessageOf(letter));
}

/** As it was made for the log, or, where it never got so far, as the centre of today makes it. */
function recordOfGateway({ body, origin, time }: Letter): StoreRecord {
  const { record, run } = body;
  if (typeof record !== 'object' || record === null) return refused('there is no record in the letter');
  if ('id' in record) return storeRecordOf(Buffer.from(JSON.stringify(record)));
  const { entry, refused: again } = inspect({
    gateway: origin,
    run: run as RunId,
    // Written by `inspect` as it was decoded.
    records: [record as SequencedRecord],
    receivedAtMs: Date.parse(time),
  });
  const [made] = entry.records;
  return made === undefined ? refused(again[0]?.reason ?? '') : storeRecordOf(Buffer.from(made.json ?? ''));
}

function refused(reason: string): never {
  throw new MooringError('RECORD_INVALID', reason);
}
