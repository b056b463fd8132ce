/**
 * A process that feeds a store of the suite from a topic until it is killed. Argument: `StoreFeedOptions` as JSON.
 * Messages: how many records the store has taken of it, some times a second.
 */
import process from 'node:process';
import { createKafkaClient } from '../../central/recordlog/kafka/clients.ts';
import { RemoteFeed } from '../../central/sinks/remote/remote-feed.ts';
import type { RemoteStore } from '../../central/sinks/remote/remote-store.ts';
import { systemClock } from '../../runtime/clock.ts';
import { silentLog } from '../../runtime/log.ts';
import { systemRandom } from '../../runtime/random.ts';
import type { RemoteHarness } from '../conformance/remote-store.ts';

export interface StoreFeedOptions {
  /** URL of the module that exports the `harness`. */
  readonly moduleUrl: string;
  readonly place: string;
  readonly address: string;
  readonly topic: string;
  readonly partitions: number;
  readonly group: string;
}

const STATUS_MS = 50;
/** So that many writes are under way when one is killed. */
const BATCH = { recordsMax: 50, bytesMax: 1_000_000, lingerMs: 0 } as const;

async function main({ moduleUrl, place, address, ...options }: StoreFeedOptions): Promise<never> {
  const { harness } = (await import(moduleUrl)) as { harness: RemoteHarness };
  const shared = { clock: systemClock, log: silentLog };
  const store = harness.make(place);
  let written = 0;
  const counted: RemoteStore = {
    name: store.name,
    open: (signal) => store.open(signal),
    close: () => store.close(),
    async write(records) {
      const refused = await store.write(records);
      written += records.length;
      return refused;
    },
  };
  const feed = new RemoteFeed({
    ...shared,
    ...options,
    store: counted,
    batch: BATCH,
    client: await createKafkaClient('kafkajs', { ...shared, brokers: [address], clientId: 'test' }),
    deadLetters: { appendMessages: () => Promise.reject(new Error('there is no poison here')) },
    random: systemRandom,
  });
  feed.start();
  for (;;) {
    process.send?.(written);
    await systemClock.sleep(STATUS_MS);
  }
}

if (process.send !== undefined) await main(JSON.parse(process.argv[2] as string) as StoreFeedOptions);
