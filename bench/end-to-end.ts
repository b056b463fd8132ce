import { systemClock } from '../runtime/clock.ts';
import { barePathRate } from './bare-path.ts';
import { cityRecords } from './city-records.ts';
import { cityStation, Deployment } from './deployment.ts';
import type { Benchmark } from './figure.ts';

const SEED = 7;
/** Offered: 100 records a second of each, more than the path takes. */
const STATIONS = 100;
const EVERY = '10ms';
const SETTLE_MS = 4000;
const MEASURE_MS = 15_000;
const LIMIT_RECORDS = 50_000;

/** What they are, for people. */
export const OFFERED = `${STATIONS} simulated stations that each want to make one every ${EVERY}`;

/** Starts a gateway that has more to do than it can; records a second that are made and acknowledged in a steady state. */
export async function steadyRate(deployment: Deployment, say: (text: string) => void): Promise<number> {
  await deployment.startGateway(Array.from({ length: STATIONS }, (_, seed) => cityStation(seed, EVERY)));
  await systemClock.sleep(SETTLE_MS);
  const [before, startMs] = [await deployment.status(), systemClock.monotonicMs()];
  await systemClock.sleep(MEASURE_MS);
  const [after, endMs] = [await deployment.status(), systemClock.monotonicMs()];
  const perSecond = (from: number, to: number): number => ((to - from) * 1000) / (endMs - startMs);
  const rate = perSecond(before.forwarders[0]?.acked ?? 0, after.forwarders[0]?.acked ?? 0);
  const made = perSecond(before.buffer.committed, after.buffer.committed);
  say(`${Math.round(made)} records a second were made, ${Math.round(rate)} acknowledged`);
  return Math.min(rate, made);
}

/** What goes from sensors to files, durably, while it is being measured. */
export const endToEnd: Benchmark = {
  name: 'end-to-end',
  about: [
    `Nine-metric records a second from sensor to file: ${OFFERED},`,
    'gateway (each record committed) → Mosquitto → centre → file sink (synced) → acknowledged, in a steady state.',
    'Limit: batches and lines, ready made, through the same Mosquitto into synced files, as for the drain.',
  ],
  async run({ folder, say }) {
    const deployment = await Deployment.start({ folder });
    try {
      const value = await steadyRate(deployment, say);
      const limit = await barePathRate(folder, deployment.brokerUrl, cityRecords(SEED, LIMIT_RECORDS));
      say('auditing what arrived');
      await deployment.audit();
      return [{ name: 'end-to-end/rate', value, unit: 'records/s', limit }];
    } finally {
      await deployment.close();
    }
  },
};
