import { SqliteStore } from '../daemon/store/sqlite-store.ts';
import type { Observation } from '../protocol/record.ts';
import { systemClock } from '../runtime/clock.ts';
import { barePathRate } from './bare-path.ts';
import { cityObservations } from './city-records.ts';
import { cityStation, Deployment } from './deployment.ts';
import type { Benchmark } from './figure.ts';
import { storeOptions } from './store-options.ts';

const SEED = 7;
const RECORDS = 100_000;
const RECORDS_PER_APPEND = 1000;
const DRAIN_MS = 120_000;

/** Fills a gateway's store, and lets it go; seconds from the link being up until the last record is acknowledged. */
export async function drainSeconds(
  deployment: Deployment,
  observations: readonly Observation[],
  withinMs: number,
): Promise<number> {
  const store = new SqliteStore(storeOptions(deployment.storePath));
  await store.open();
  for (let from = 0; from < observations.length; from += RECORDS_PER_APPEND) {
    await store.append(observations.slice(from, from + RECORDS_PER_APPEND), { urgent: false });
  }
  await store.close();
  await deployment.startGateway([cityStation(1, '1h')]);
  const startMs = systemClock.monotonicMs();
  await deployment.drained(withinMs);
  return (systemClock.monotonicMs() - startMs) / 1000;
}

/** How fast a day's backlog goes when the link is back. */
export const drain: Benchmark = {
  name: 'drain',
  about: [
    `Drain of ${RECORDS} nine-metric records (28 hours at one a second) that an earlier run left in the store: gateway →`,
    'Mosquitto → centre → file sink, from the link being up until the last record is acknowledged; then the sink is audited.',
    'Limit: the same batches, ready made, through the same Mosquitto with the same window (MQTT.js, QoS 1), and the same',
    'lines, ready made, appended and synced once a second: no store, no codec, no ack.',
  ],
  async run({ folder, say }) {
    const observations = cityObservations(SEED, RECORDS);
    const deployment = await Deployment.start({ folder });
    try {
      say(`filling a store with ${RECORDS} records, and draining it`);
      const seconds = await drainSeconds(deployment, observations, DRAIN_MS);
      const records = observations.map((observation, index) => ({ ...observation, sequence: index + 1 }));
      const bareRate = await barePathRate(folder, deployment.brokerUrl, records);
      say('auditing what arrived');
      await deployment.audit();
      return [
        { name: 'drain/time', value: seconds, unit: 's', limit: RECORDS / bareRate },
        { name: 'drain/rate', value: RECORDS / seconds, unit: 'records/s', limit: bareRate },
      ];
    } finally {
      await deployment.close();
    }
  },
};
