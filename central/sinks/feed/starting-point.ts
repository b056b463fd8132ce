import { MooringError } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import type { KafkaAdmin, LogSpan } from '../../recordlog/kafka/client.ts';
import type { FeedMark } from './feed-mark.ts';
import type { Survey } from './survey.ts';
import type { FeedTarget, LogGap } from './target.ts';

export interface StartingPointOptions<Item> {
  readonly target: FeedTarget<Item>;
  readonly topic: string;
  readonly group: string;
  readonly log: Log;
  /** What the group had committed, as this copy remembers it. */
  readonly mark?: FeedMark;
  readonly resumeAtEarliest?: boolean;
}

export interface FoundLog {
  readonly logName: string;
  /** By partition. */
  readonly spans: readonly LogSpan[];
}

interface FindOptions {
  readonly admin: KafkaAdmin;
  /** Nobody asks any more. */
  readonly signal: AbortSignal;
  readonly isSure: boolean;
}

/** Offsets to begin at, by partition; where there is none, the group's offset has to do. */
export type Starts = ReadonlyMap<number, number>;

/**
 * Finds where a feed goes on, and that it can: that the log is the one that was read, and that it still has what is next.
 * It never begins anywhere else by itself.
 */
export class StartingPoint<Item> {
  readonly #options: StartingPointOptions<Item>;
  #clusterId: string | undefined;
  #isTopicKnown = false;
  #mayResume: boolean;
  #isLossTold = false;

  constructor(options: StartingPointOptions<Item>) {
    this.#options = options;
    this.#mayResume = options.resumeAtEarliest ?? false;
  }

  /**
   * The spans of a log that is the same as before. Throws `LOG_CHANGED` where the cluster is another one or the topic was
   * deleted, `LOG_FAILED` where there is no topic yet.
   */
  recognise({ clusterId, logName, spans }: Survey): readonly LogSpan[] {
    const { topic, target } = this.#options;
    if (this.#clusterId !== undefined && clusterId !== this.#clusterId) {
      throw this.#changed('the Kafka cluster is another one', { was: this.#clusterId, is: clusterId });
    }
    this.#clusterId = clusterId;
    if (spans !== undefined) {
      this.#isTopicKnown = true;
      return spans;
    }
    const wasRead = (target.positions(logName)?.size ?? 0) > 0;
    if (this.#isTopicKnown || wasRead) throw this.#changed('the topic was deleted', { topic });
    throw new MooringError('LOG_FAILED', 'there is no such topic yet', { context: { topic } });
  }

  /**
   * Where to begin in these partitions of a log that was recognised. Throws `LOG_EXPIRED` where what is next is gone,
   * `LOG_CHANGED` where the target has read another cluster, and what the target or Kafka throws. Where it is sure that the
   * log looks as it does, the target has word of what is gone, and may go on, as far as it was told to.
   */
  async find(
    partitions: readonly number[],
    { admin, logName, spans, signal, isSure }: FoundLog & FindOptions,
  ): Promise<Starts> {
    const { target, log } = this.#options;
    const own = target.positions(logName);
    const asked = new Set(partitions);
    const group = own === undefined ? await this.#groupStarts(admin, logName, asked) : undefined;
    const found = group?.gaps ?? gapsOf(logName, own ?? new Map(), spans);
    const gaps = found.filter(({ partition }) => asked.has(partition));
    signal.throwIfAborted();
    const starts =
      group?.remembered ?? new Map(partitions.map((partition) => [partition, spans[partition]?.first ?? 0]));
    if (own?.size === 0) await this.#leaveOther(logName, starts);
    if (gaps.length === 0) return own === undefined ? starts : new Map([...starts, ...only(own, asked)]);

    if (!isSure) throw this.#expired(gaps);
    const goOn = new Map(this.#mayResume ? gaps.map(({ partition, to }) => [partition, to]) : []);
    await target.tellGaps(gaps, { log: logName, offsets: goOn });
    if (!this.#mayResume) throw this.#expired(gaps);
    log.warn({ gaps }, 'what was to be read next is gone: going on with the earliest that there is, as was asked for');
    return new Map([...starts, ...only(own ?? new Map(), asked), ...goOn]);
  }

  /** Something was written: from now on it is as any other feed. */
  begun(): void {
    this.#mayResume = false;
  }

  /**
   * What the group is to read next is asked for first: another member may read on meanwhile. Where Kafka has none, or has
   * forgotten it, what this copy remembers has to do.
   */
  async #groupStarts(admin: KafkaAdmin, logName: string, asked: ReadonlySet<number>): Promise<GroupStarts> {
    const { topic, group, mark } = this.#options;
    const committed = defined(await admin.committed(group, topic));
    const spans = await admin.offsets(topic);
    const known = mark?.offsets(logName) ?? new Map();
    const remembered = new Map(only(known, asked).filter(([partition]) => !committed.has(partition)));
    mark?.note({ log: logName, offsets: committed });
    const next = new Map([...remembered, ...committed]);
    this.#tellLoss([...asked].filter((partition) => !next.has(partition) && (spans[partition]?.first ?? 0) > 0));
    if (remembered.size > 0) {
      const offsets = Object.fromEntries(remembered);
      this.#options.log.info({ offsets }, 'Kafka does not know how far the sink was: going on from what `state` knows');
    }
    return { remembered, gaps: gapsOf(logName, next, spans) };
  }

  /** Nobody can say whether something between an earlier process and these partitions' beginnings was not read. */
  #tellLoss(partitions: readonly number[]): void {
    if (partitions.length === 0 || this.#isLossTold) return;
    this.#isLossTold = true;
    this.#options.log.warn(
      { partitions },
      'neither Kafka nor `state` knows how far the sink was: reading from the earliest that there is',
    );
  }

  /** The target knows this topic of another cluster only. */
  async #leaveOther(logName: string, earliest: Starts): Promise<void> {
    const { target, topic, log } = this.#options;
    const other = target.logs().find((known) => known.endsWith(`/${topic}`));
    if (other === undefined) return;
    const context = { was: other, is: logName };
    if (!this.#mayResume) throw this.#changed('the sink has read this topic of another Kafka cluster', context);
    await target.write([], { log: logName, offsets: earliest });
    log.warn(context, 'going on with the log of another Kafka cluster, as was asked for');
  }

  #changed(message: string, context: Readonly<Record<string, unknown>>): MooringError {
    const hint = `What was there and is not in the sink yet may be lost. ${this.#howToGoOn()}`;
    return new MooringError('LOG_CHANGED', message, { context, hint });
  }

  #expired(gaps: readonly LogGap[]): MooringError {
    return new MooringError('LOG_EXPIRED', 'what the sink was to read next is not in the log any more', {
      context: { gaps },
      hint: `Kafka has dropped it: keep records for longer (\`kafka.retention\`). ${this.#howToGoOn()}`,
    });
  }

  #howToGoOn(): string {
    const { name } = this.#options.target;
    return `To go on with the earliest that is there now: \`mooring central -c FILE --resume ${name}\`, once.`;
  }
}

interface GroupStarts {
  /** Where to begin in partitions of which the group has said nothing. */
  readonly remembered: Starts;
  readonly gaps: readonly LogGap[];
}

function only(offsets: Starts, partitions: ReadonlySet<number>): [number, number][] {
  return [...offsets].filter(([partition]) => partitions.has(partition));
}

function defined(offsets: readonly (number | undefined)[]): Starts {
  const known = new Map<number, number>();
  for (const [partition, offset] of offsets.entries()) if (offset !== undefined) known.set(partition, offset);
  return known;
}

function gapsOf(log: string, next: Starts, spans: readonly LogSpan[]): LogGap[] {
  return [...next].flatMap(([partition, from]) => {
    const span = spans[partition];
    if (span === undefined || (from >= span.first && from <= span.end)) return [];
    return [{ log, partition, from, to: span.first }];
  });
}
