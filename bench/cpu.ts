import assert from 'node:assert/strict';
import { join } from 'node:path';
import { encodeBatch } from '../protocol/batch-codec.ts';
import { SALT_BYTES } from '../protocol/ids.ts';
import { systemClock } from '../runtime/clock.ts';
import { SeededRandom } from '../runtime/random.ts';
import { cityRecords } from './city-records.ts';
import { cityStation, Deployment } from './deployment.ts';
import type { Benchmark } from './figure.ts';
import { cpuMs } from './process-usage.ts';
import { RawRows, rowsOf } from './raw-rows.ts';

/** 200 records a second in all. */
const STATIONS = 10;
const EVERY = '50ms';
const SETTLE_MS = 8000;
const MEASURE_MS = 25_000;
const PER = 10_000;
/** What ten stations make between two batches of the live lane. */
const RECORDS_PER_BATCH = 50;
const TOKEN_BYTES = 8;

/** Processor time by which a gateway carries ten thousand records at a rate that leaves it room. */
export const cpu: Benchmark = {
  name: 'cpu',
  about: [
    `Processor seconds (user and system, all threads) for ${PER} nine-metric records at 200 a second: ${STATIONS} stations, a record`,
    `each every ${EVERY}, over MQTT to a file sink, for ${MEASURE_MS / 1000} s. Limit: what neither side can leave out, done at once in one`,
    `process: the same rows into better-sqlite3 in commits of ${STATIONS}, and batches of ${RECORDS_PER_BATCH} encoded.`,
  ],
  async run({ folder, say }) {
    const limit = bareCpuSeconds(folder);
    const deployment = await Deployment.start({ folder });
    try {
      await deployment.startGateway(Array.from({ length: STATIONS }, (_, seed) => cityStation(seed, EVERY)));
      say('letting it settle');
      await systemClock.sleep(SETTLE_MS);
      const { gateway, centre } = deployment;
      const [acked, ofGateway, ofCentre] = [await deployment.acked(), cpuMs(gateway.pid), cpuMs(centre.pid)];
      await systemClock.sleep(MEASURE_MS);
      const gatewayMs = cpuMs(gateway.pid) - ofGateway;
      const centreMs = cpuMs(centre.pid) - ofCentre;
      const records = (await deployment.acked()) - acked;
      assert(records > 0, 'records were acknowledged');
      const seconds = (ms: number): number => (ms * PER) / records / 1000;
      const unit = 's/10k records';
      return [
        { name: 'cpu/gateway', value: seconds(gatewayMs), unit, limit },
        { name: 'cpu/centre', value: seconds(centreMs), unit, limit },
      ];
    } finally {
      await deployment.close();
    }
  },
};

function bareCpuSeconds(folder: string): number {
  const records = cityRecords(1, PER);
  const random = new SeededRandom(1);
  const salt = random.bytes(SALT_BYTES);
  const rows = rowsOf(records);
  const raw = new RawRows(join(folder, 'raw.db'));
  try {
    const before = process.cpuUsage();
    for (let from = 0; from < PER; from += STATIONS) raw.insert(rows.slice(from, from + STATIONS));
    for (let from = 0; from < PER; from += RECORDS_PER_BATCH) {
      const token = random.bytes(TOKEN_BYTES);
      encodeBatch({ salt, batch: from + 1, token, records: records.slice(from, from + RECORDS_PER_BATCH) });
    }
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6;
  } finally {
    raw.close();
  }
}
