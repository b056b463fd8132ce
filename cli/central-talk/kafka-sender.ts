import type { KafkaClient, KafkaProducer } from '../../central/recordlog/kafka/client.ts';
import { createKafkaClient } from '../../central/recordlog/kafka/clients.ts';
import { partitionOf } from '../../central/recordlog/kafka/partitioner.ts';
import type { Clock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { DeviceMessage } from '../../sim/talkers/devices/device.ts';
import { abortedFirst } from './aborted-first.ts';
import type { Sender, SenderOptions } from './sender.ts';

const AT_ONCE = 500;
const RETRY_MS = 1000;

interface Waiting {
  readonly message: DeviceMessage;
  readonly resolve: (fate: 'taken' | 'refused') => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Into one topic of a Kafka, keyed by the device; what waits for one send goes together in the next. A send that fails is done
 * again with a new producer, so that the topic may have some twice, as with any device that does so.
 */
export async function kafkaSender({ to, clientId, clock, log }: SenderOptions): Promise<Sender> {
  const topic = decodeURIComponent(to.pathname.slice(1));
  const client = await createKafkaClient('kafkajs', { brokers: [to.host], clientId, clock, log });
  const admin = client.createAdmin();
  const partitions = (await admin.describeTopic(topic).finally(() => admin.close()))?.partitions;
  if (partitions === undefined) {
    throw new MooringError('LOG_UNFIT', 'there is no such topic', { context: { topic }, hint: 'Make it first.' });
  }
  const line = new Line(client, await client.createProducer(), { topic, partitions, clock });
  return {
    atOnce: AT_ONCE,
    textOnly: true,
    send: async (message, signal) => await abortedFirst(signal, line.send(message)),
    close: async () => await line.close(),
  };
}

interface Target {
  readonly topic: string;
  readonly partitions: number;
  readonly clock: Clock;
}

class Line {
  readonly #client: KafkaClient;
  readonly #target: Target;
  readonly #closed = new AbortController();
  #producer: KafkaProducer;
  #waiting: Waiting[] = [];
  #isSending = false;
  /** Whether the next goes alone: of several, nobody knows which was refused. */
  #isAlone = false;

  constructor(client: KafkaClient, producer: KafkaProducer, target: Target) {
    this.#client = client;
    this.#producer = producer;
    this.#target = target;
  }

  async send(message: DeviceMessage): Promise<'taken' | 'refused'> {
    const sent = new Promise<'taken' | 'refused'>((resolve, reject) =>
      this.#waiting.push({ message, resolve, reject }),
    );
    if (!this.#isSending) void this.#sendAll();
    return await sent;
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#producer.close();
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    while (this.#waiting.length > 0 && !this.#closed.signal.aborted) {
      const some = this.#waiting.splice(0, this.#isAlone ? 1 : AT_ONCE);
      try {
        await this.#sendSome(some);
      } catch (error) {
        for (const { reject } of some) reject(error);
      }
    }
    this.#isSending = false;
  }

  async #sendSome(some: readonly Waiting[]): Promise<void> {
    const { topic, partitions, clock } = this.#target;
    try {
      await this.#producer.send(some.map(({ message }) => messageOf(message, topic, partitions)));
      this.#isAlone = false;
      for (const { resolve } of some) resolve('taken');
      return;
    } catch (error) {
      if (!(error instanceof MooringError)) throw error;
      const isRefused = error.code === 'LOG_REFUSED';
      if (isRefused && some.length === 1) some[0]?.resolve('refused');
      else this.#waiting.unshift(...some);
      this.#isAlone = isRefused && some.length > 1;
    }
    await this.#producer.close();
    this.#producer = await this.#anew(clock);
  }

  async #anew(clock: Clock): Promise<KafkaProducer> {
    for (;;) {
      try {
        return await this.#client.createProducer();
      } catch (error) {
        if (!(error instanceof MooringError)) throw error;
        await clock.sleep(RETRY_MS, this.#closed.signal);
      }
    }
  }
}

function messageOf({ truth, bytes }: DeviceMessage, topic: string, partitions: number) {
  const key = truth[0]?.sourceId ?? '';
  return { topic, partition: partitionOf(key, partitions), key, value: Buffer.from(bytes).toString('utf8') };
}
