import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Programs } from '../test/processes.ts';
import { cityObservations } from './city-records.ts';
import { Deployment } from './deployment.ts';
import { drainSeconds } from './drain.ts';
import { OFFERED, steadyRate } from './end-to-end.ts';
import type { Bench, Benchmark, Figure } from './figure.ts';
import { startKafka } from './kafka-broker.ts';
import { handRate } from './kafka-sides.ts';

const SEED = 7;
/** Seven days at one a second. */
const BACKLOG = 604_800;
const DRAIN_MS = 900_000;

/** Runs a deployment before Kafka from its start to its audit. */
async function withKafka(
  { folder, say }: Bench,
  address: string,
  way: 'mqtt' | 'udp',
  measure: (deployment: Deployment) => Promise<number>,
): Promise<number> {
  const own = join(folder, way);
  mkdirSync(own);
  const deployment = await Deployment.start({ folder: own, way, kafka: { address, prefix: `bench-${way}` } });
  try {
    const value = await measure(deployment);
    say(`${way}: auditing what a file sink finds in Kafka`);
    await deployment.audit();
    return value;
  } finally {
    await deployment.close();
  }
}

/** What goes from sensors to Kafka, durably, while it is being measured. */
export const kafkaEndToEnd: Benchmark = {
  name: 'kafka-end-to-end',
  about: [
    `Nine-metric records a second from sensor to Kafka: ${OFFERED},`,
    'gateway (each record committed) → Mosquitto, or UDP → centre → a real Kafka → acknowledged, in a steady state; then a file',
    'sink reads them all, and is audited. Limit: the client alone, called by hand with ready-made messages, nothing else running.',
  ],
  async run(bench) {
    const programs = new Programs();
    try {
      const { address } = await startKafka(bench.folder, programs);
      const figures: Figure[] = [];
      for (const way of ['mqtt', 'udp'] as const) {
        const value = await withKafka(bench, address, way, (deployment) => steadyRate(deployment, bench.say));
        figures.push({ name: `kafka-end-to-end/${way}`, value, unit: 'records/s', limit: await handRate(address, 1) });
      }
      return figures;
    } finally {
      await programs.end();
    }
  },
};

/** How fast a week's backlog goes when the link is back. */
export const kafkaDrain: Benchmark = {
  name: 'kafka-drain',
  about: [
    `Drain of ${BACKLOG} nine-metric records (7 days at one a second) that an earlier run left in the store: gateway →`,
    'Mosquitto, or UDP → centre → a real Kafka, from the link being up until the last record is acknowledged; then a file sink',
    'reads them all, and is audited. Limit: the client alone, called by hand with ready-made messages.',
  ],
  async run(bench) {
    const observations = cityObservations(SEED, BACKLOG);
    const programs = new Programs();
    try {
      const { address } = await startKafka(bench.folder, programs);
      const figures: Figure[] = [];
      for (const way of ['mqtt', 'udp'] as const) {
        bench.say(`${way}: filling a store with ${BACKLOG} records, and draining it`);
        const seconds = await withKafka(bench, address, way, (deployment) => {
          return drainSeconds(deployment, observations, DRAIN_MS);
        });
        const limit = await handRate(address, 1);
        figures.push(
          { name: `kafka-drain/${way}-time`, value: seconds, unit: 's', limit: BACKLOG / limit },
          { name: `kafka-drain/${way}-rate`, value: BACKLOG / seconds, unit: 'records/s', limit },
        );
      }
      return figures;
    } finally {
      await programs.end();
    }
  },
};
