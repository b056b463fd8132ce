import type { DeadLetter } from '../../central/ingest/dead-letter.ts';
import { type AckMessage, decodeAckMessage } from '../../central/recordlog/kafka/acks.ts';
import type { KafkaConsumer } from '../../central/recordlog/kafka/client.ts';
import { KafkaRecordLog, type KafkaRecordLogOptions } from '../../central/recordlog/kafka/kafka-recordlog.ts';
import { partitionOf } from '../../central/recordlog/kafka/partitioner.ts';
import { topicNamesOf } from '../../central/recordlog/kafka/topics.ts';
import type { LogEntry, LogOutcome } from '../../central/recordlog/recordlog.ts';
import { IntervalSet, type Range } from '../../protocol/intervals.ts';
import type { MooringError } from '../../runtime/errors.ts';
import { silentLog } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { MemoryKafka } from '../../sim/memory-kafka.ts';
import { PowerCutDisk } from '../conformance/power-cut-disk.ts';

/** What has become of an append so far. */
export interface AppendResult {
  outcome?: LogOutcome;
  error?: MooringError;
}

const PARTITIONS = 3;

/** Record logs on a Kafka in memory, a disk in memory and a stepped clock. */
export class LogBench {
  static readonly PARTITIONS = PARTITIONS;
  /** Of the gateway that entries come from. */
  static readonly PARTITION = partitionOf('plaka', PARTITIONS);
  static readonly RECORDS = 'mooring.records';
  static readonly ACKS = 'mooring.acks';

  readonly clock = new SteppedClock();
  readonly kafka = new MemoryKafka();
  readonly disk = new PowerCutDisk(new SeededRandom(1));
  readonly fatal: MooringError[] = [];
  readonly inFiles: DeadLetter[] = [];
  /** Of each log that was opened, one for each try. */
  readonly tails: KafkaConsumer[] = [];
  #seed = 1;

  constructor() {
    const { kafka, tails } = this;
    const create = kafka.createConsumer.bind(kafka);
    kafka.createConsumer = (options) => {
      const tail = create(options);
      tails.push(tail);
      return tail;
    };
  }

  make(options: Partial<KafkaRecordLogOptions> = {}): KafkaRecordLog {
    this.#seed += 1;
    return new KafkaRecordLog({
      client: this.kafka,
      topics: {
        names: topicNamesOf('mooring'),
        partitions: PARTITIONS,
        replication: 1,
        retentionMs: 86_400_000,
        brokers: ['127.0.0.1:9092'],
      },
      prefix: 'mooring',
      ack: 'log',
      stateDir: '/state',
      letterFiles: { append: async (letters) => void this.inFiles.push(...letters) },
      clock: this.clock,
      random: new SeededRandom(this.#seed),
      log: silentLog,
      disk: this.disk,
      onFatal: (error) => void this.fatal.push(error),
      ...options,
    });
  }

  async opened(options: Partial<KafkaRecordLogOptions> = {}): Promise<KafkaRecordLog> {
    const log = this.make(options);
    await log.open(new AbortController().signal);
    await this.clock.advance(10);
    return log;
  }

  async close(log: KafkaRecordLog): Promise<void> {
    const closing = log.close();
    await this.clock.advance(10);
    await closing;
  }

  /** Begins to append, and keeps what becomes of it. */
  append(log: KafkaRecordLog, entry: LogEntry): AppendResult {
    const result: AppendResult = {};
    void log.append(entry).then(
      (outcome) => (result.outcome = outcome),
      (error: MooringError) => (result.error = error),
    );
    return result;
  }

  acks(): (AckMessage | undefined)[] {
    return this.kafka.messages(LogBench.ACKS).flatMap((log) => log.map(({ value }) => decodeAckMessage(value)));
  }

  acked(state: AckMessage['state']): Range[] {
    return new IntervalSet(this.acks().flatMap((ack) => (ack?.state === state ? ack.ranges : []))).ranges();
  }

  /** How often each record stands in the topic. */
  produced(): number[] {
    const ids = this.kafka.values(LogBench.RECORDS).map((value) => (JSON.parse(value) as { id: string }).id);
    return [...Map.groupBy(ids, (id) => id).values()].map(({ length }) => length);
  }
}
