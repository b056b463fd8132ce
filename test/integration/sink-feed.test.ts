/** Feeds over a real Kafka, which other tests share, in processes that are killed. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test as base, describe } from 'vitest';
import { KAFKA_CLIENTS, type KafkaClientKind } from '../../central/config/types.ts';
import { createKafkaClient } from '../../central/recordlog/kafka/clients.ts';
import { runAudit } from '../../cli/audit.ts';
import { systemClock } from '../../runtime/clock.ts';
import { silentLog } from '../../runtime/log.ts';
import { SeededRandom, systemRandom } from '../../runtime/random.ts';
import { flatOf, runOf, span } from '../conformance/entries.ts';
import { recordsIn } from '../conformance/files-sink.ts';
import { kill } from '../conformance/kill.ts';
import type { FeedProcessOptions } from '../kafka/feed-process.ts';
import { sharedKafka } from '../kafka/shared.ts';
import { Topics } from '../kafka/topics.ts';
import { eventually } from '../processes.ts';

const TIMEOUT_MS = 240_000;
const PATIENCE_MS = 60_000;
const PARTITIONS = 3;
const SEED = 20_261_125;
/** Each costs the session of the member that is gone. */
const KILLS = 2;
const RUN = runOf(1);

interface Status {
  readonly state: string;
  readonly lag?: number;
  readonly code?: string;
}

/** The feeds of one test and the folder that they write to. */
class Stage {
  readonly #folder = mkdtempSync(join(tmpdir(), 'mooring-feed-'));
  readonly #feeds: ChildProcess[] = [];

  async prepare(kind: KafkaClientKind): Promise<FeedProcessOptions> {
    const address = await sharedKafka();
    const topic = `feed-${Buffer.from(systemRandom.bytes(4)).toString('hex')}`;
    await new Topics(address).create({ name: topic, partitions: PARTITIONS });
    const folder = join(this.#folder, 'records');
    return { kind, address, topic, partitions: PARTITIONS, group: `${topic}.archive`, folder };
  }

  startFeed(options: FeedProcessOptions): { readonly feed: ChildProcess; readonly status: () => Status } {
    const path = fileURLToPath(new URL('../kafka/feed-process.ts', import.meta.url));
    const feed = fork(path, [JSON.stringify(options)], { execArgv: [], stdio: 'inherit' });
    let status: Status = { state: 'none' };
    feed.on('message', (message) => {
      status = message as Status;
    });
    this.#feeds.push(feed);
    return { feed, status: () => status };
  }

  async close(): Promise<void> {
    for (const feed of this.#feeds) if (feed.exitCode === null && feed.signalCode === null) await kill(feed);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** `first..last` of the run, over all partitions, some of them twice. */
async function produce({ kind, address, topic }: FeedProcessOptions, first: number, last: number): Promise<void> {
  const shared = { clock: systemClock, log: silentLog };
  const client = await createKafkaClient(kind, { ...shared, brokers: [address], clientId: 'test' });
  const producer = await client.createProducer();
  for (let from = first; from <= last; from += 1000) {
    const sequences = span(from, Math.min(last, from + 999));
    const messages = [...sequences, ...sequences.slice(0, 20)].map((sequence) => ({
      topic,
      partition: sequence % PARTITIONS,
      key: 'plaka',
      value: JSON.stringify(flatOf(RUN, sequence)),
    }));
    await producer.send(messages);
  }
  await producer.close();
}

const idsOf = (records: readonly { readonly id: string }[]): string[] => records.map(({ id }) => id).sort();
const expectedIds = (last: number): string[] => idsOf(span(1, last).map((sequence) => flatOf(RUN, sequence)));

async function untilDrained(status: () => Status): Promise<void> {
  await eventually('the sink has all', PATIENCE_MS, () => (status().lag === 0 ? true : undefined));
}

/** Each waits for a group to notice who is gone: those of a client wait side by side. */
const test = base.extend<{ stage: Stage }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads what a fixture needs from its first parameter
  stage: async ({}, use) => {
    const stage = new Stage();
    await use(stage);
    await stage.close();
  },
});

describe.each(KAFKA_CLIENTS)('over %s', { tags: ['kafka'], timeout: TIMEOUT_MS }, (kind) => {
  test.concurrent(`killed ${KILLS} times in the middle of a backlog (seed ${SEED}), every record stands there once`, async ({
    expect,
    stage,
  }) => {
    const random = new SeededRandom(SEED);
    const options = await stage.prepare(kind);
    await produce(options, 1, 12_000);
    for (let count = 0; count < KILLS; count += 1) {
      const { feed, status } = stage.startFeed(options);
      await eventually('it feeds', PATIENCE_MS, () => ((status().lag ?? 0) > 0 ? true : undefined));
      await systemClock.sleep(random.uniform() * 400);
      await kill(feed);
    }
    const { status } = stage.startFeed(options);
    await untilDrained(status);
    expect(idsOf(recordsIn(options.folder))).toEqual(expectedIds(12_000));
  });

  test.concurrent('of two copies on one folder one stands by; the other is killed, and it takes over, in time and with nothing twice', async ({
    expect,
    stage,
  }) => {
    const options = await stage.prepare(kind);
    const first = stage.startFeed(options);
    await eventually('the first feeds', PATIENCE_MS, () => (first.status().state === 'feeding' ? true : undefined));
    const second = stage.startFeed(options);
    await eventually('the second stands by', PATIENCE_MS, () =>
      second.status().state === 'standing by' ? true : undefined,
    );
    await produce(options, 1, 2000);
    await eventually('some are there', PATIENCE_MS, () => (recordsIn(options.folder).length > 0 ? true : undefined));
    await kill(first.feed);
    await produce(options, 2001, 4000);
    await eventually('the second has all', PATIENCE_MS, () =>
      second.status().state === 'feeding' && second.status().lag === 0 && recordsIn(options.folder).length === 4000
        ? true
        : undefined,
    );
    expect(idsOf(recordsIn(options.folder))).toEqual(expectedIds(4000));
  });

  test.concurrent('what retention took away before it was read stops the feed, and stands in the folder, which an audit reads', async ({
    expect,
    stage,
  }) => {
    const options = await stage.prepare(kind);
    await produce(options, 1, 300);
    const first = stage.startFeed(options);
    await untilDrained(first.status);
    await kill(first.feed);
    await produce(options, 301, 900);
    await new Topics(options.address).deleteBefore(options.topic, 1, 200);
    const { status } = stage.startFeed(options);
    await eventually('it has stopped', PATIENCE_MS, () => (status().state === 'stopped' ? true : undefined));
    expect(status().code).toBe('LOG_EXPIRED');
    const gaps = recordsIn(options.folder).filter(({ kind: is }) => is === 'gap');
    expect(gaps).toMatchObject([{ gateway: '_centre', info: { reason: 'expired', partition: 1, to: 200 } }]);
    const out = { write: () => true };
    expect(await runAudit(options.folder, { json: true }, out)).toBe(0);
  });
});
