/**
 * A process that feeds a file sink from a topic until it is killed. Argument: `FeedProcessOptions` as JSON.
 * Messages: `{status}` some times a second.
 */
import process from 'node:process';
import type { KafkaClientKind } from '../../central/config/types.ts';
import { createKafkaClient } from '../../central/recordlog/kafka/clients.ts';
import { SinkFeed } from '../../central/sinks/feed/sink-feed.ts';
import { FilesSink } from '../../central/sinks/files/files.ts';
import { systemClock } from '../../runtime/clock.ts';
import { silentLog } from '../../runtime/log.ts';
import { systemRandom } from '../../runtime/random.ts';

export interface FeedProcessOptions {
  readonly kind: KafkaClientKind;
  readonly address: string;
  readonly topic: string;
  readonly partitions: number;
  readonly group: string;
  readonly folder: string;
}

const STATUS_MS = 50;

async function main({ kind, address, topic, partitions, group, folder }: FeedProcessOptions): Promise<never> {
  const shared = { clock: systemClock, log: silentLog };
  const feed = new SinkFeed({
    ...shared,
    sink: new FilesSink({ ...shared, name: 'archive', path: folder, commitIntervalMs: 20 }),
    client: await createKafkaClient(kind, { ...shared, brokers: [address], clientId: 'test' }),
    topic,
    partitions,
    group,
    deadLetters: { appendMessages: () => Promise.reject(new Error('there is no poison here')) },
    random: systemRandom,
    // So that many kills fall into the middle of something.
    bytesMax: 65_536,
  });
  feed.start();
  for (;;) {
    const { state, lag, lastError } = feed.status();
    process.send?.({ state, lag, code: lastError?.code });
    await systemClock.sleep(STATUS_MS);
  }
}

if (process.send !== undefined) await main(JSON.parse(process.argv[2] as string) as FeedProcessOptions);
