import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KAFKA_CLIENTS, type KafkaClientKind } from '../../central/config/types.ts';
import type { KafkaClient, KafkaProducer } from '../../central/recordlog/kafka/client.ts';
import { createKafkaClient } from '../../central/recordlog/kafka/clients.ts';
import { KafkaRecordLog } from '../../central/recordlog/kafka/kafka-recordlog.ts';
import { topicNamesOf } from '../../central/recordlog/kafka/topics.ts';
import type { FlatRecord, LogEntry, LogOutcome, RecordLog } from '../../central/recordlog/recordlog.ts';
import { systemClock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import { silentLog } from '../../runtime/log.ts';
import { systemRandom } from '../../runtime/random.ts';
import { Topics } from '../kafka/topics.ts';
import type { RecordLogHarness } from './recordlog.ts';

/** Name of the environment variable with the broker's address: a writer that is to be killed is a process of its own. */
export const ADDRESS = 'MOORING_TEST_KAFKA';

const RECORD_BYTES_MAX = 4096;
const SLOW_MS = 120_000;
/** Between two producers, at most. */
const RECOVERY_MS = 10_000;

/** URL of this module for one of the clients. */
export function moduleUrlOf(kind: KafkaClientKind): string {
  return `${import.meta.url}?${kind}`;
}

/** Of the client that the module's URL names. */
export const harness: RecordLogHarness = harnessOf(kindIn(import.meta.url));

/** Kafka by one of the clients. Each place has topics of its own. */
export function harnessOf(kind: KafkaClientKind): RecordLogHarness {
  return {
    recordBytesMax: RECORD_BYTES_MAX,
    timeoutMs: SLOW_MS,
    overlapRuns: 4,
    recoveryMs: RECOVERY_MS,
    make: (place, faults = { isBroken: false }) => new LogAt(kind, place, faults),
    async read(place) {
      const records = await new Topics(addressIn()).read(topicNamesOf(prefixOf(place)).records);
      return [
        ...new Map(records.map(({ value }) => JSON.parse(value) as FlatRecord).map((one) => [one.id, one])).values(),
      ];
    },
  };
}

/** A log that finds out where its broker is when it is opened. */
class LogAt implements RecordLog {
  readonly #kind: KafkaClientKind;
  readonly #place: string;
  readonly #faults: { readonly isBroken: boolean };
  #log: KafkaRecordLog | undefined;

  constructor(kind: KafkaClientKind, place: string, faults: { readonly isBroken: boolean }) {
    this.#kind = kind;
    this.#place = place;
    this.#faults = faults;
  }

  async open(signal: AbortSignal): Promise<void> {
    const prefix = prefixOf(this.#place);
    const brokers = [addressIn()];
    const common = { clock: systemClock, log: silentLog };
    const client = await createKafkaClient(this.#kind, { brokers, clientId: 'test', ...common });
    this.#log = new KafkaRecordLog({
      ...common,
      client: faulty(client, this.#faults),
      topics: { names: topicNamesOf(prefix), partitions: 3, replication: 1, retentionMs: 86_400_000, brokers },
      prefix,
      ack: 'log',
      stateDir: join(this.#place, 'state'),
      letterFiles: { append: () => Promise.reject(new MooringError('SINK_FAILED', 'no letter is expected')) },
      random: systemRandom,
      recordBytesMax: RECORD_BYTES_MAX,
      onFatal: (error) => {
        throw error;
      },
    });
    await this.#log.open(signal);
  }

  append(entry: LogEntry): Promise<LogOutcome> {
    if (this.#log === undefined) throw new Error('not open');
    return this.#log.append(entry);
  }

  async close(): Promise<void> {
    await this.#log?.close();
  }
}

/** While it is broken, every answer to a send is lost, and there are no new producers. */
function faulty(client: KafkaClient, faults: { readonly isBroken: boolean }): KafkaClient {
  const lost = (): MooringError => new MooringError('LOG_FAILED', 'broken');
  return {
    kind: client.kind,
    sendsAtOnce: client.sendsAtOnce,
    createAdmin: () => client.createAdmin(),
    createConsumer: (options) => client.createConsumer(options),
    async createProducer(): Promise<KafkaProducer> {
      if (faults.isBroken) throw lost();
      const producer = await client.createProducer();
      return {
        async send(messages) {
          const produced = await producer.send(messages);
          if (faults.isBroken) throw lost();
          return produced;
        },
        close: () => producer.close(),
      };
    },
  };
}

/** Of the topics of a place: another one when the place was emptied. */
function prefixOf(place: string): string {
  const path = join(place, 'prefix');
  if (!existsSync(path)) {
    mkdirSync(place, { recursive: true });
    writeFileSync(path, `log-${Buffer.from(systemRandom.bytes(8)).toString('hex')}`);
  }
  return readFileSync(path, 'utf8');
}

function addressIn(): string {
  const address = process.env[ADDRESS];
  if (address === undefined) throw new Error(`${ADDRESS} is not set`);
  return address;
}

function kindIn(url: string): KafkaClientKind {
  return KAFKA_CLIENTS.find((kind) => url.endsWith(`?${kind}`)) ?? 'kafkajs';
}
