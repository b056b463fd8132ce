import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { KafkaClient } from '../../central/recordlog/kafka/client.ts';
import { createKafkaClient } from '../../central/recordlog/kafka/clients.ts';
import { systemClock } from '../../runtime/clock.ts';
import { silentLog } from '../../runtime/log.ts';
import { systemRandom } from '../../runtime/random.ts';
import type { StoreFeedOptions } from '../kafka/store-feed-process.ts';
import { Topics } from '../kafka/topics.ts';
import { eventually } from '../processes.ts';
import { flatOf, runOf, span } from './entries.ts';
import { kill } from './kill.ts';
import type { RemoteHarness } from './remote-store.ts';

const TEST_MS = 300_000;
const START_MS = 120_000;
const PARTITIONS = 6;
const RUN = runOf(8);
/** Until both are members, one has every partition. */
const TRICKLE = 20;
/** Hundreds of writes. */
const BACKLOG = 10_000;

export interface CopiesBounds {
  /** For all of it, the engine's start included, in milliseconds. */
  readonly testMs?: number;
  /** What both have to do when one of them goes, in records. */
  readonly backlog?: number;
}

/**
 * Two copies of a sink divide the partitions of the topic; one of them is killed while both write, and the other goes on with
 * all: nothing is lost, and nothing stands there twice.
 * @param moduleUrl the module that exports `harness`
 * @param kafka address of a broker
 */
export function describeRemoteCopies(
  name: string,
  harness: RemoteHarness,
  moduleUrl: string,
  kafka: () => Promise<string>,
  { testMs = TEST_MS, backlog = BACKLOG }: CopiesBounds = {},
): void {
  test(
    `${name}: of two copies that share the work one is killed, and nothing is lost or there twice`,
    async () => {
      const address = await kafka();
      const engine = await harness.start();
      const copies: Copy[] = [];
      try {
        const topic = `copies-${Buffer.from(systemRandom.bytes(4)).toString('hex')}`;
        await new Topics(address).create({ name: topic, partitions: PARTITIONS });
        const group = `${topic}.store`;
        const options = { moduleUrl, place: await engine.newPlace(), address, topic, partitions: PARTITIONS, group };
        const shared = { clock: systemClock, log: silentLog };
        const client = await createKafkaClient('kafkajs', { ...shared, brokers: [address], clientId: 'test' });
        for (let count = 0; count < 2; count += 1) copies.push(startCopy(options));
        const produced = new Producing(client, topic);
        await eventually('both write', START_MS, async () => {
          await produced.more(TRICKLE);
          return copies.every(({ written }) => written() > 0);
        });
        await produced.more(backlog);
        const before = copies.map(({ written }) => written());
        await eventually('both write on', START_MS, () =>
          copies.every(({ written }, index) => written() > (before[index] as number)),
        );
        await kill((copies[0] as Copy).process);
        const admin = client.createAdmin();
        await eventually('the other has written all', testMs, async () => {
          const offsets = await admin.committed(group, topic);
          return offsets.reduce<number>((sum, offset) => sum + (offset ?? 0), 0) === produced.messages;
        });
        await admin.close();
        await produced.close();
        await kill((copies[1] as Copy).process);
        const ids = (await harness.read(options.place)).map(({ id }) => id).sort();
        expect(ids).toEqual(
          span(1, produced.sequences)
            .map((sequence) => flatOf(RUN, sequence).id)
            .sort(),
        );
      } finally {
        for (const { process } of copies)
          if (process.exitCode === null && process.signalCode === null) await kill(process);
        await engine.stop();
      }
    },
    testMs,
  );
}

interface Copy {
  readonly process: ChildProcess;
  /** Records that the store has taken of it. */
  readonly written: () => number;
}

function startCopy(options: StoreFeedOptions): Copy {
  const path = fileURLToPath(new URL('../kafka/store-feed-process.ts', import.meta.url));
  const copy = fork(path, [JSON.stringify(options)], { execArgv: [], stdio: 'inherit' });
  let written = 0;
  copy.on('message', (count) => {
    written = count as number;
  });
  return { process: copy, written: () => written };
}

/** One run over all partitions, some records of it twice. */
class Producing {
  /** So many sequences are there. */
  sequences = 0;
  messages = 0;
  readonly #producer: ReturnType<KafkaClient['createProducer']>;
  readonly #topic: string;

  constructor(client: KafkaClient, topic: string) {
    this.#producer = client.createProducer();
    this.#topic = topic;
  }

  async more(count: number): Promise<void> {
    const sequences = span(this.sequences + 1, this.sequences + count);
    const messages = [...sequences, ...sequences.slice(0, TRICKLE / 2)].map((sequence) => ({
      topic: this.#topic,
      partition: sequence % PARTITIONS,
      key: 'plaka',
      value: JSON.stringify(flatOf(RUN, sequence)),
    }));
    await (await this.#producer).send(messages);
    this.sequences += sequences.length;
    this.messages += messages.length;
  }

  async close(): Promise<void> {
    await (await this.#producer).close();
  }
}
