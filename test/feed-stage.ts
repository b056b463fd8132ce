import type { FlatRecord } from '../central/recordlog/recordlog.ts';
import type { PoisonLetter } from '../central/sinks/feed/poison-letters.ts';
import { SinkFeed, type SinkFeedOptions } from '../central/sinks/feed/sink-feed.ts';
import { FilesSink } from '../central/sinks/files/files.ts';
import type { RunId } from '../protocol/ids.ts';
import type { MooringError } from '../runtime/errors.ts';
import { SeededRandom } from '../runtime/random.ts';
import { SteppedClock } from '../sim/clock.ts';
import { MemoryKafka } from '../sim/memory-kafka.ts';
import { flatOf, runOf, span } from './conformance/entries.ts';
import { PowerCutDisk } from './conformance/power-cut-disk.ts';
import { LogLines } from './log-lines.ts';

export const RUN = runOf(1);
export const FOLDER = '/srv/mooring/records';
export const TOPIC = 'mooring.records';
export const GROUP = 'mooring.archive';
export const PARTITIONS = 3;

/** A Kafka, a disk and feeds between them, all in memory, on a clock that is stepped. */
export class FeedStage {
  readonly disk = new PowerCutDisk(new SeededRandom(1));
  readonly kafka = new MemoryKafka();
  readonly clock = new SteppedClock();
  readonly said = new LogLines();
  /** What came to the dead letter. */
  readonly letters: PoisonLetter[] = [];
  /** What the dead letter rejects with, where it does. */
  deadLetterFailure: MooringError | undefined;
  /** What the centre was told to end with. */
  readonly fatal: MooringError[] = [];

  constructor() {
    this.makeTopic();
  }

  makeTopic(partitions = PARTITIONS): void {
    this.kafka.makeTopic({ name: TOPIC, partitions, replication: 1, settings: {} });
  }

  makeSink(): FilesSink {
    return new FilesSink({ name: 'archive', path: FOLDER, clock: this.clock, log: this.said, disk: this.disk });
  }

  makeFeed(options: Partial<SinkFeedOptions> = {}): SinkFeed {
    return new SinkFeed({
      sink: this.makeSink(),
      client: this.kafka,
      topic: TOPIC,
      partitions: PARTITIONS,
      group: GROUP,
      deadLetters: {
        appendMessages: async (letters) => {
          if (this.deadLetterFailure !== undefined) throw this.deadLetterFailure;
          this.letters.push(...letters);
        },
      },
      clock: this.clock,
      random: new SeededRandom(2),
      log: this.said,
      onFatal: (error) => void this.fatal.push(error),
      ...options,
    });
  }

  /** A feed that has had a second. */
  async start(options: Partial<SinkFeedOptions> = {}): Promise<SinkFeed> {
    const feed = this.makeFeed(options);
    feed.start();
    await this.clock.advance(1000);
    return feed;
  }

  /** Records of a run into the topic. */
  put(first: number, last: number, { run = RUN, partition = 0 } = {}): void {
    for (const sequence of span(first, last)) this.putText(JSON.stringify(flatOf(run, sequence)), partition);
  }

  putText(value: string, partition = 0): number {
    return this.kafka.put({ topic: TOPIC, partition, key: 'plaka', value });
  }

  /** Every record in the files. */
  written(): FlatRecord[] {
    return [...this.disk.files(FOLDER)]
      .filter(([path]) => path.endsWith('.ndjson'))
      .flatMap(([, text]) => text.split('\n').slice(0, -1))
      .map((line) => JSON.parse(line) as FlatRecord);
  }

  /** Those of one run, repeats included. */
  sequencesOf(run: RunId): number[] {
    return this.written()
      .filter(({ id }) => id.startsWith(run))
      .map(({ id }) => Number.parseInt(id.slice(-12), 16))
      .sort((a, b) => a - b);
  }

  /** Of this log, as the folder's state has them. */
  positions(): unknown {
    const state = this.disk.files(FOLDER).get('.mooring/state.json')?.split('\n')[0] as string;
    return (JSON.parse(state) as { logs: Record<string, unknown> }).logs[`${this.kafka.cluster}/${TOPIC}`];
  }

  committed(): Promise<readonly (number | undefined)[]> {
    return this.kafka.createAdmin().committed(GROUP, TOPIC);
  }
}
