import type { Clock } from '../../../runtime/clock.ts';
import type { StoreRecord } from '../remote/remote-store.ts';
import type { LogPosition, Sink } from '../sink.ts';
import { Feed, type FeedOptions } from './feed.ts';
import { gapEntryOf } from './gap-record.ts';
import type { FeedTarget, LogGap, RefusedItem } from './target.ts';
import { entriesOf, storeRecordOf } from './topic-record.ts';

export interface SinkFeedOptions extends Omit<FeedOptions<StoreRecord>, 'target'> {
  /** Owned: opened and closed here. */
  readonly sink: Sink;
}

/** Records of a topic into a sink. */
export class SinkFeed extends Feed<StoreRecord> {
  constructor({ sink, ...options }: SinkFeedOptions) {
    super({ ...options, target: new SinkTarget(sink, options.clock) });
  }
}

class SinkTarget implements FeedTarget<StoreRecord> {
  readonly #sink: Sink;
  readonly #clock: Clock;
  readonly decode = storeRecordOf;

  constructor(sink: Sink, clock: Clock) {
    this.#sink = sink;
    this.#clock = clock;
  }

  get name(): string {
    return this.#sink.name;
  }

  get isStandingBy(): boolean {
    return this.#sink.isStandingBy ?? false;
  }

  open(signal: AbortSignal): Promise<void> {
    return this.#sink.open(signal);
  }

  async write(records: readonly StoreRecord[], position: LogPosition): Promise<readonly RefusedItem[]> {
    const foreign = records.filter(({ place }) => place === undefined);
    await this.#sink.write(entriesOf(records), position, foreign);
    return [];
  }

  positions(log: string): ReadonlyMap<number, number> | undefined {
    return this.#sink.positions?.(log);
  }

  logs(): readonly string[] {
    return this.#sink.logs?.() ?? [];
  }

  async tellGaps(gaps: readonly LogGap[], position: LogPosition): Promise<void> {
    const nowMs = this.#clock.wallMs();
    await this.#sink.write(
      gaps.map((gap) => gapEntryOf(this.name, gap, nowMs)),
      position,
    );
  }

  close(): Promise<void> {
    return this.#sink.close();
  }
}
