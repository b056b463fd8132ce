import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { decodeAck } from '../protocol/ack-codec.ts';
import { countOf } from '../protocol/intervals.ts';
import { topicOf } from '../protocol/topics.ts';
import { systemClock } from '../runtime/clock.ts';
import { PlainGateway } from '../test/plain-gateway.ts';
import { Programs } from '../test/processes.ts';
import { Deployment } from './deployment.ts';
import type { Benchmark } from './figure.ts';
import { startKafka } from './kafka-broker.ts';
import { handRate, READY, readyBatches } from './kafka-sides.ts';
import { median } from './rounds.ts';

const ROUNDS = 4;
const BATCHES_UNDER_WAY = 64;

/** What ingest takes in by one copy and by two, from gateways that have everything ready. */
export const kafkaCopies: Benchmark = {
  name: 'kafka-copies',
  about: [
    `Records a second that ingest takes in, by one copy and by two with one shared subscription: ready-made batches of ${READY.recordsPerBatch} of`,
    `${READY.gateways} gateways, ${BATCHES_UNDER_WAY} on their way at a time → Mosquitto → centre → a real Kafka → acknowledged; median of ${ROUNDS} rounds in turn.`,
    'Limit of one: the client alone, called by hand. Limit of two: one.',
  ],
  async run({ folder, say }) {
    const programs = new Programs();
    const deployments: Deployment[] = [];
    try {
      const { address } = await startKafka(folder, programs);
      for (const copies of [1, 2]) {
        const own = join(folder, String(copies));
        mkdirSync(own);
        const kafka = { address, prefix: `bench-${copies}` };
        deployments.push(await Deployment.start({ folder: own, kafka, copies }));
      }
      const rates: [number[], number[]] = [[], []];
      for (let round = 0; round <= ROUNDS; round += 1) {
        for (const [index, { brokerUrl }] of deployments.entries()) {
          const rate = await publishedRate(brokerUrl, round);
          say(`${index + 1}: ${Math.round(rate)} records a second${round === 0 ? ', to warm up' : ''}`);
          if (round > 0) rates[index as 0 | 1].push(rate);
        }
      }
      for (const deployment of deployments) await deployment.stopCentres();
      const [one, two] = [median(rates[0]), median(rates[1])];
      return [
        { name: 'kafka-copies/one', value: one, unit: 'records/s', limit: await handRate(address, READY.gateways) },
        { name: 'kafka-copies/two', value: two, unit: 'records/s', limit: one },
      ];
    } finally {
      await Promise.all(deployments.map((deployment) => deployment.close()));
      await programs.end();
    }
  },
};

/** Publishes all batches as a new run of each gateway; records a second until the last is acknowledged. */
async function publishedRate(url: string, round: number): Promise<number> {
  const batches = readyBatches(round + 1);
  const names = [...new Set(batches.map(({ gateway }) => gateway))];
  const client = await PlainGateway.connect(url, names[0] as string);
  for (const name of names) await client.client.subscribeAsync(topicOf(name, 'ack'), { qos: 1 });
  const waiting = new Map<string, () => void>();
  client.client.removeAllListeners('message');
  client.client.on('message', (_topic, payload) => {
    const { token, stored = [] } = decodeAck(new Uint8Array(payload));
    assert.equal(countOf(stored), READY.recordsPerBatch, 'the whole batch is stored');
    waiting.get(Buffer.from(token).toString('hex'))?.();
  });
  const startMs = systemClock.monotonicMs();
  const left = batches.values();
  const sendRest = async (): Promise<void> => {
    for (const { gateway, bytes, token } of left) {
      const acked = new Promise<void>((resolve) => waiting.set(Buffer.from(token).toString('hex'), resolve));
      client.client.publish(topicOf(gateway, 'batch'), Buffer.from(bytes), { qos: 1 });
      await acked;
    }
  };
  await Promise.all(Array.from({ length: BATCHES_UNDER_WAY }, sendRest));
  const seconds = (systemClock.monotonicMs() - startMs) / 1000;
  await client.end();
  return (batches.length * READY.recordsPerBatch) / seconds;
}
