import { isUtf8 } from 'node:buffer';
import { parseRecordId } from '../../../protocol/ids.ts';
import { rangesOf } from '../../../protocol/intervals.ts';
import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import { type DeadLetter, type DeadLetters, letterLine } from '../../ingest/dead-letter.ts';
import type { PoisonLetter, PoisonLetters } from '../../sinks/feed/poison-letters.ts';
import type { RecordPlace } from '../../sinks/remote/remote-store.ts';
import { type AckMessage, encodeAckMessage } from './acks.ts';
import type { KafkaMessage } from './client.ts';
import type { LogLink } from './log-link.ts';
import { partitionOf } from './partitioner.ts';
import type { TopicsSpec } from './topics.ts';

export interface KafkaDeadLettersOptions {
  readonly link: Pick<LogLink, 'produce'>;
  readonly topics: TopicsSpec;
  /** For letters that the topic does not take. */
  readonly files: DeadLetters;
  readonly clock: Clock;
}

const APPEND_MS = 20_000;
/** Of a message that no sink can take, so much is copied; the whole of it stands where the letter says. */
const VALUE_BYTES_MAX = 262_144;

/** The dead letter as a topic: a refused record a message, in the shape of the file's line, by gateway. */
export class KafkaDeadLetters implements DeadLetters, PoisonLetters {
  readonly #options: KafkaDeadLettersOptions;

  constructor(options: KafkaDeadLettersOptions) {
    this.#options = options;
  }

  async append(letters: readonly DeadLetter[]): Promise<void> {
    for (const some of Map.groupBy(letters, ({ gateway }) => gateway).values()) {
      const [{ gateway }] = some as [DeadLetter];
      const refused = await this.#produce(gateway, some.map(letterLine));
      if (refused.length > 0) await this.#options.files.append(refused.map((index) => some[index] as DeadLetter));
    }
  }

  /**
   * Also says on the topic of acknowledgements what of the records is refused: who waits for the sink hears of it before the
   * group passes them.
   *
   * A letter is `{reason, code, topic, partition, offset, sink, received_at, bytes}` and `message` or `message_base64`.
   */
  async appendMessages(letters: readonly PoisonLetter[]): Promise<void> {
    const received_at = new Date(this.#options.clock.wallMs()).toISOString();
    for (const some of Map.groupBy(letters, ({ sink }) => sink).values()) {
      const [{ sink }] = some as [PoisonLetter];
      const refused = await this.#produce(
        sink,
        some.map((letter) => poisonLine(letter, received_at)),
      );
      if (refused.length === 0) continue;
      throw new MooringError('LOG_FAILED', 'the topic of dead letters refuses one', {
        context: { topic: this.#options.topics.names.deadLetter },
        hint: 'Look at its max.message.bytes.',
      });
    }
    await this.#sayRefused(letters);
  }

  async #sayRefused(letters: readonly PoisonLetter[]): Promise<void> {
    const { names } = this.#options.topics;
    const messages = refusalsOf(letters.filter(({ topic }) => topic === names.records)).map((refusal): KafkaMessage => {
      const { partition, gateway: key } = refusal;
      return { topic: names.acks, partition, key, value: encodeAckMessage(refusal) };
    });
    if (messages.length === 0) return;
    const { refused } = await this.#options.link.produce({
      messages,
      sizes: messages.map(({ value }) => Buffer.byteLength(value)),
      deadlineMs: this.#options.clock.monotonicMs() + APPEND_MS,
    });
    if (refused.length === 0) return;
    throw new MooringError('LOG_FAILED', 'the topic of acknowledgements refuses one', {
      context: { topic: names.acks },
    });
  }

  /** Resolves with those that the broker will never take. */
  async #produce(key: string, values: readonly string[]): Promise<number[]> {
    const { link, topics, clock } = this.#options;
    const partition = partitionOf(key, topics.partitions);
    const { refused } = await link.produce({
      messages: values.map((value) => ({ topic: topics.names.deadLetter, partition, key, value })),
      sizes: values.map((value) => Buffer.byteLength(value)),
      deadlineMs: clock.monotonicMs() + APPEND_MS,
    });
    return refused.map(({ index }) => index);
  }
}

function poisonLine({ topic, partition, offset, sink, value, reason }: PoisonLetter, received_at: string): string {
  const head = { reason, code: 'invalid_record', topic, partition, offset, sink, received_at, bytes: value.length };
  const copied = Buffer.from(value.buffer, value.byteOffset, Math.min(value.length, VALUE_BYTES_MAX));
  return JSON.stringify(
    isUtf8(copied)
      ? { ...head, message: copied.toString('utf8') }
      : { ...head, message_base64: copied.toString('base64') },
  );
}

/** By run, sink and partition. What is no record of a gateway's run nobody waits for. */
function refusalsOf(letters: readonly PoisonLetter[]): AckMessage[] {
  const placed = letters.flatMap(({ partition, offset, sink, value }) => {
    const place = placeOf(value);
    return place === undefined ? [] : [{ ...place, partition, offset, sink }];
  });
  const groups = Map.groupBy(placed, ({ run, sink, partition }) => `${run} ${sink} ${partition}`);
  return [...groups.values()].map((some): AckMessage => {
    const [{ run, gateway, partition, sink }] = some as [Placed];
    const offsets = some.map(({ offset }) => offset);
    const ranges = rangesOf([...new Set(some.map(({ sequence }) => sequence))].sort((a, b) => a - b));
    const [first, last] = [Math.min(...offsets), Math.max(...offsets)];
    return { run, gateway, partition, first, last, state: 'refused', sink, ranges };
  });
}

interface Placed extends RecordPlace {
  readonly gateway: string;
  readonly partition: number;
  readonly offset: number;
  readonly sink: string;
}

function placeOf(value: Uint8Array): (RecordPlace & { readonly gateway: string }) | undefined {
  let record: unknown;
  try {
    record = JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8'));
  } catch {
    return undefined;
  }
  if (typeof record !== 'object' || record === null) return undefined;
  const { id, gateway } = record as Readonly<Record<string, unknown>>;
  const place = typeof id === 'string' ? parseRecordId(id) : undefined;
  return place === undefined || typeof gateway !== 'string' ? undefined : { ...place, gateway };
}
