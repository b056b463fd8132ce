import { MooringError } from '../../../runtime/errors.ts';
import { type AckMessage, decodeAckMessage } from '../../recordlog/kafka/acks.ts';
import type { Appender } from '../appender.ts';
import { Feed, type FeedOptions } from '../feed/feed.ts';
import type { FeedTarget, LogGap, RefusedItem } from '../feed/target.ts';
import { poison } from '../feed/topic-record.ts';
import type { LogPosition } from '../sink.ts';
import { type AckFileOptions, AckLines, ackFileAppender } from './ack-file.ts';

export interface AckLogFeedOptions
  extends Omit<FeedOptions<AckMessage>, 'target'>,
    Pick<AckFileOptions, 'path' | 'disk' | 'commitIntervalMs'> {
  readonly name: string;
}

/** The ids of acknowledged records, from the topic of acknowledgements into a text file, one a line, each once. */
export class AckLogFeed extends Feed<AckMessage> {
  constructor({ name, path, disk, commitIntervalMs, ...options }: AckLogFeedOptions) {
    const { clock, log } = options;
    const appender = ackFileAppender({
      path,
      clock,
      log: log.child({ sink: name }),
      ...(disk === undefined ? {} : { disk }),
      ...(commitIntervalMs === undefined ? {} : { commitIntervalMs }),
    });
    super({ ...options, target: new AckFileTarget(name, path, appender) });
  }
}

class AckFileTarget implements FeedTarget<AckMessage> {
  readonly name: string;
  readonly #path: string;
  readonly #appender: Appender;
  #isClosing = false;

  constructor(name: string, path: string, appender: Appender) {
    this.name = name;
    this.#path = path;
    this.#appender = appender;
  }

  get isStandingBy(): boolean {
    return this.#appender.isStandingBy;
  }

  open(signal: AbortSignal): Promise<void> {
    return this.#appender.open(signal);
  }

  decode(value: Buffer): AckMessage {
    const message = decodeAckMessage(value);
    if (message === undefined) throw poison('it is no acknowledgement');
    return message;
  }

  /** In as many commits as it takes; the position goes with the last. What is held or refused is not acknowledged. */
  async write(messages: readonly AckMessage[], position: LogPosition): Promise<readonly RefusedItem[]> {
    const lines = new AckLines(this.#path, this.#appender);
    for (const { run, state, ranges } of messages) {
      if (state !== 'stored') continue;
      lines.add(run, ranges);
      while (lines.isFull && !this.#isClosing) {
        await this.#appender.append(lines.take());
        lines.add(run, ranges);
      }
      if (this.#isClosing) throw new MooringError('SINK_FAILED', 'the sink is closing');
    }
    await this.#appender.append(lines.take(), position);
    return [];
  }

  positions(log: string): ReadonlyMap<number, number> {
    return this.#appender.positions(log);
  }

  logs(): readonly string[] {
    return this.#appender.logs();
  }

  /** A file of ids has no place for anything else: the log of the program and the status have it. */
  async tellGaps(_gaps: readonly LogGap[], position: LogPosition): Promise<void> {
    await this.#appender.append([], position);
  }

  close(): Promise<void> {
    this.#isClosing = true;
    return this.#appender.close();
  }
}
