import { MooringError } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import type { Disk } from '../../sinks/disk.ts';
import type { KafkaAdmin, Produced } from './client.ts';
import { type Marks, WatchFile } from './watch-file.ts';

/**
 * Knows the log again. A cluster whose disks were wiped, or a topic that was deleted and made anew, serves as if nothing
 * had happened, and every record that was acknowledged before is gone: what is remembered here is that it was there.
 */
export class LogWatch {
  readonly #file: WatchFile;
  readonly #log: Log;
  #cluster: string | undefined;
  /** Topic → partition → highest offset that the broker, or a message of the acknowledgements, has said to be durable. */
  readonly #topics = new Map<string, Map<number, number>>();
  #isDirty = false;
  #isFileFailing = false;

  /** @param folder of the centre's state; made when absent */
  constructor(disk: Disk, folder: string, log: Log) {
    this.#file = new WatchFile(disk, folder);
    this.#log = log;
  }

  /** Reads what an earlier process has remembered. Never rejects: without it there is less to be noticed, and no harm. */
  async open(): Promise<void> {
    try {
      const marks = await this.#file.read();
      this.#cluster = marks?.cluster;
      for (const [topic, offsets] of marks?.topics ?? []) this.#topics.set(topic, new Map(offsets));
    } catch (error) {
      this.#log.warn({ err: error, path: this.#file.path }, 'what was remembered of Kafka cannot be read');
    }
  }

  /** Of the log as it was first seen; undefined before that. */
  get cluster(): string | undefined {
    return this.#cluster;
  }

  /** Topics that have been there. */
  get topics(): ReadonlySet<string> {
    return new Set(this.#topics.keys());
  }

  /** From now on these topics of this cluster are the log. */
  adopt(cluster: string, topics: readonly string[]): void {
    if (cluster === this.#cluster && topics.every((topic) => this.#topics.has(topic))) return;
    this.#cluster = cluster;
    for (const topic of topics) if (!this.#topics.has(topic)) this.#topics.set(topic, new Map());
    this.#isDirty = true;
  }

  /** An offset is durable. */
  note(topic: string, partition: number, offset: number): void {
    const offsets = this.#topics.get(topic) ?? new Map<number, number>();
    this.#topics.set(topic, offsets);
    if ((offsets.get(partition) ?? -1) >= offset) return;
    offsets.set(partition, offset);
    this.#isDirty = true;
  }

  /**
   * To be called before a send: what it returns notes the answer, and throws `LOG_CHANGED` when that gives an offset which
   * was somebody else's before the send began.
   */
  beginSend(): (produced: readonly Produced[]) => void {
    const before = this.#snapshot();
    return (produced) => {
      for (const { topic, partition, offset, count } of produced) {
        const known = before.get(topic)?.get(partition);
        if (offset >= 0 && known !== undefined && offset <= known) {
          throw this.#changed('an offset that was acknowledged has been given to another record', {
            topic,
            partition,
            acknowledged: known,
            found: offset,
          });
        }
        this.note(topic, partition, offset + count - 1);
      }
    };
  }

  /**
   * Compares the log with what is remembered. Resolves with the cluster's id. Rejects with `LOG_CHANGED`, and as the admin
   * does.
   */
  async checkCluster(admin: KafkaAdmin): Promise<string> {
    const cluster = await admin.clusterId();
    if (this.#cluster !== undefined && cluster !== this.#cluster) {
      throw this.#changed('this is another cluster than before', { remembered: this.#cluster, found: cluster });
    }
    return cluster;
  }

  /** Whether every offset that was acknowledged is still before the log's end. Rejects as `checkCluster`. */
  async checkEnds(admin: KafkaAdmin, topics: readonly string[]): Promise<void> {
    // As they are now: what is acknowledged from here on may be beyond the ends that are asked for.
    const snapshot = this.#snapshot();
    for (const topic of topics) {
      const offsets = snapshot.get(topic);
      if (offsets === undefined || offsets.size === 0) continue;
      const ends = await admin.offsets(topic);
      for (const [partition, acknowledged] of offsets) {
        const end = ends[partition]?.end ?? 0;
        if (end > acknowledged) continue;
        throw this.#changed('the log ends before a record that was acknowledged', {
          topic,
          partition,
          acknowledged,
          end,
        });
      }
    }
  }

  /** `LOG_CHANGED`, with what a person can do about it. */
  explain(error: MooringError): MooringError {
    if (error.code !== 'LOG_CHANGED' || error.hint !== undefined) return error;
    return this.#changed(error.message, error.context);
  }

  /** Durable when it resolves; never rejects, as the next one tries again. */
  async save(): Promise<void> {
    if (!this.#isDirty || this.#cluster === undefined) return;
    this.#isDirty = false;
    const marks: Marks = { cluster: this.#cluster, topics: this.#snapshot() };
    try {
      await this.#file.replace(marks);
      this.#isFileFailing = false;
    } catch (error) {
      this.#isDirty = true;
      if (!this.#isFileFailing) {
        this.#log.error({ err: error, path: this.#file.path }, 'what is acknowledged cannot be remembered');
      }
      this.#isFileFailing = true;
    }
  }

  #snapshot(): Map<string, Map<number, number>> {
    return new Map([...this.#topics].map(([topic, offsets]) => [topic, new Map(offsets)]));
  }

  #changed(message: string, context: Readonly<Record<string, unknown>>): MooringError {
    return new MooringError('LOG_CHANGED', message, {
      context,
      hint: `Records that were acknowledged, and that the gateways may have freed, are not in this Kafka. If that is an error of its address or its disks, put it right and start again. To go on with it on purpose, as with a new and empty one, stop every copy of the centre, remove ${this.#file.path} of each, and any topic of this prefix that is left, and start each, the first time with \`--resume SINK\` for each of its sinks: what these had not taken is lost.`,
    });
  }
}
