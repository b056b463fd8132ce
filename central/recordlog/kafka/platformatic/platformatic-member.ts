import { type BaseOptions, ConnectionPool, Consumer } from '@platformatic/kafka';
import type { Clock } from '../../../../runtime/clock.ts';
import { toMooringError } from '../../../../runtime/errors.ts';
import type { Log } from '../../../../runtime/log.ts';
import type { KafkaConsumerOptions } from '../client.ts';
import { type Ask, kafkaFailure } from '../failure.ts';
import { GROUP, type GroupMember, type GroupMemberEvents } from '../group-member.ts';
import { platformaticFinding } from './finding.ts';
import { readOf } from './records.ts';

export interface PlatformaticMemberOptions {
  readonly consumer: KafkaConsumerOptions;
  readonly events: GroupMemberEvents;
  readonly base: BaseOptions;
  readonly ask: Ask;
  readonly clock: Clock;
  readonly log: Log;
}

type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>;

const COMMIT_MS = 10_000;
const LEAVE_MS = 5000;
/** A fetch is held for `fetchWaitMs` where there is nothing; the rest is patience. */
const FETCH_MS = 6000;
const FETCH_RETRY_MS = 300;
/** A membership whose fetches have failed for so long is given up. */
const FAILING_MS = 15_000;

/**
 * A membership by @platformatic/kafka, from its parts below its stream: that one cannot pause a partition, and goes
 * elsewhere by itself when the place to read from is gone.
 */
export class PlatformaticMember implements GroupMember {
  readonly #options: PlatformaticMemberOptions;
  readonly #topic: string;
  readonly #consumer: Consumer;
  /** Of the fetches alone: a broker answers the requests of a connection one after the other, and a fetch may take long. */
  readonly #fetchPool: ConnectionPool;
  /** What is read, by partition: from which offset on. */
  #next = new Map<number, number>();
  readonly #paused = new Set<number>();
  #changed = Promise.withResolvers<void>();
  #hasJoined = false;
  #isOver = false;

  constructor(options: PlatformaticMemberOptions) {
    this.#options = options;
    this.#topic = options.consumer.topic;
    this.#fetchPool = new ConnectionPool(options.base.clientId, options.base);
    this.#consumer = new Consumer({
      ...options.base,
      groupId: options.consumer.group,
      autocommit: false,
      // A commit that is tried again in the next generation may be of a partition that is somebody else's by then.
      retries: 0,
      // A join is answered when the whole group has joined.
      requestTimeout: GROUP.rebalanceMs + 2000,
      sessionTimeout: GROUP.sessionMs,
      rebalanceTimeout: GROUP.rebalanceMs,
      heartbeatInterval: GROUP.heartbeatMs,
      heartbeatStallTimeout: FAILING_MS,
    });
    this.#consumer.on('consumer:group:join', ({ assignments }) => {
      this.#assign(assignments?.find(({ topic }) => topic === this.#topic)?.partitions ?? []);
    });
    this.#consumer.on('consumer:heartbeat:stalled', ({ lastError }) => {
      this.#lose(lastError ?? new Error('no heartbeat was answered'));
    });
    // A rejoin that failed: the package does not try again.
    this.#consumer.on('error', (error) => this.#lose(error));
  }

  async join(): Promise<void> {
    this.#consumer.topics.track(this.#topic);
    await this.#options.ask('Kafka does not let this consumer into its group', GROUP.joinMs, () =>
      this.#consumer.joinGroup({}),
    );
    this.#hasJoined = true;
    void this.#fetchOn();
  }

  read(partition: number, offset: number): void {
    this.#next.set(partition, offset);
    this.resume(partition);
  }

  pause(partition: number): void {
    this.#paused.add(partition);
  }

  resume(partition: number): void {
    this.#paused.delete(partition);
    this.#changed.resolve();
  }

  async commit(offsets: ReadonlyMap<number, number>): Promise<void> {
    const next = [...offsets].map(([partition, offset]) => ({
      topic: this.#topic,
      partition,
      offset: BigInt(offset),
      leaderEpoch: -1,
    }));
    await this.#options.ask('Kafka did not take what was read', COMMIT_MS, () =>
      this.#consumer.commit({ offsets: next }),
    );
  }

  async leave(): Promise<void> {
    this.#isOver = true;
    this.#changed.resolve();
    await this.#options
      .ask('Kafka holds the consumer', LEAVE_MS, () =>
        Promise.all([this.#consumer.close(true), this.#fetchPool.close()]),
      )
      .catch(() => undefined);
  }

  #assign(partitions: readonly number[]): void {
    if (this.#isOver) return;
    this.#next = new Map();
    this.#options.events.onAssigned(partitions);
  }

  #lose(error: Error): void {
    if (this.#isOver || !this.#hasJoined) return;
    this.#isOver = true;
    this.#options.events.onLost(kafkaFailure('the consumer has lost its group', error, platformaticFinding));
  }

  /** Fetches while there is something to fetch; ends with the membership. */
  async #fetchOn(): Promise<void> {
    const { clock, log } = this.#options;
    let failingSinceMs: number | undefined;
    while (!this.#isOver) {
      try {
        await this.#fetchOnce();
        failingSinceMs = undefined;
      } catch (error) {
        const failure = toMooringError(error, 'LOG_FAILED', 'nothing could be fetched');
        if (failingSinceMs === undefined) log.debug({ err: failure }, 'a fetch failed');
        failingSinceMs ??= clock.monotonicMs();
        if (failure.retry === 'never' || clock.monotonicMs() - failingSinceMs > FAILING_MS) this.#lose(failure);
        await clock.sleep(FETCH_RETRY_MS);
      }
    }
  }

  /** One fetch from each broker that leads something that is read now; waits where there is none. */
  async #fetchOnce(): Promise<void> {
    this.#changed = Promise.withResolvers<void>();
    const wanted = [...this.#next].filter(([partition]) => !this.#paused.has(partition));
    if (wanted.length === 0) return await this.#changed.promise;
    const metadata = await this.#options.ask('Kafka does not describe a topic', FETCH_MS, () =>
      this.#consumer.metadata({ topics: [this.#topic] }),
    );
    const topic = metadata.topics.get(this.#topic);
    const byLeader = Map.groupBy(wanted, ([partition]) => topic?.partitions[partition]?.leader ?? -1);
    const fetches = [...byLeader].map(async ([node, partitions]) => {
      const response = await this.#fetch(node, topic?.id ?? '', partitions);
      this.#take(new Map(partitions), response);
    });
    const outcomes = await Promise.allSettled(fetches);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  async #fetch(node: number, topicId: string, partitions: readonly [number, number][]): Promise<FetchResponse> {
    return await this.#options.ask('Kafka does not answer a fetch', FETCH_MS, () =>
      this.#consumer.fetch({
        node,
        connectionPool: this.#fetchPool,
        maxWaitTime: GROUP.fetchWaitMs,
        minBytes: 1,
        maxBytes: GROUP.fetchBytes,
        topics: [
          {
            topicId,
            partitions: partitions.map(([partition, offset]) => ({
              partition,
              fetchOffset: BigInt(offset),
              partitionMaxBytes: GROUP.fetchPartitionBytes,
              currentLeaderEpoch: -1,
              lastFetchedEpoch: -1,
            })),
          },
        ],
      }),
    );
  }

  /** What was fetched for another place than the one that is read now is nobody's. */
  #take(asked: ReadonlyMap<number, number>, { responses }: FetchResponse): void {
    for (const { partitionIndex, records } of responses.flatMap(({ partitions }) => partitions)) {
      const from = asked.get(partitionIndex);
      if (from === undefined || this.#next.get(partitionIndex) !== from || !records || records.length === 0) continue;
      const { to, messages } = readOf(from, records);
      const isTaken = this.#options.events.onMessages(partitionIndex, { from, to }, messages);
      if (isTaken) this.#next.set(partitionIndex, to);
    }
  }
}
