import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { packed } from '../daemon/store/packing.ts';
import { SqliteStore } from '../daemon/store/sqlite-store.ts';
import { rangesOf } from '../protocol/intervals.ts';
import { BOUNDS, type Observation } from '../protocol/record.ts';
import { SteppedClock } from '../sim/clock.ts';
import { cityObservations } from './city-records.ts';
import type { Benchmark, Figure } from './figure.ts';
import { writtenBytes } from './process-usage.ts';
import { FORWARDER, storeOptions } from './store-options.ts';

const SEED = 7;
/** An hour at one record a second. */
const RECORDS = 3600;
const LINGERS_S = [0, 10] as const;
/** When the centre's acknowledgement of a record is there, after its commit. */
const ACK_MS = 500;
const SECOND_MS = 1000;
const LIMITS = { recordsMax: BOUNDS.recordsPerBatch, bytesMax: BOUNDS.batchBytes } as const;

/** What wears the flash: bytes written to the disk for each record. */
export const diskWrites: Benchmark = {
  name: 'disk',
  about: [
    `Bytes written to the disk per nine-metric record: an hour at 1 Hz on a stepped clock (${RECORDS} records), each committed,`,
    `acknowledged ${ACK_MS} ms later and settled, the store closed at the end; \`write_bytes\` of /proc/self/io, which counts pages`,
    "of 4 KiB and not the file system's own journal. Limit: the bytes of the record's own row.",
  ],
  async run({ folder }) {
    const observations = cityObservations(SEED, RECORDS);
    const limit = packed(observations).bodies.length / RECORDS;
    const figures: Figure[] = [];
    for (const lingerS of LINGERS_S) {
      const path = join(folder, `linger-${lingerS}`, 'store.db');
      mkdirSync(join(path, '..'));
      const before = writtenBytes('self');
      await liveAnHour(path, observations, lingerS * SECOND_MS);
      const value = (writtenBytes('self') - before) / RECORDS;
      if (value === 0) throw new Error(`${folder} is on no disk; name a folder on one by TMPDIR`);
      figures.push({ name: `disk/linger-${lingerS}s`, value, unit: 'bytes/record', limit });
    }
    return figures;
  },
};

/** The life of a gateway's store, faster than the clock: a record each second, and what is committed is acknowledged. */
async function liveAnHour(path: string, observations: readonly Observation[], lingerMs: number): Promise<void> {
  const clock = new SteppedClock();
  const store = new SqliteStore({ ...storeOptions(path), clock, lingerMs });
  await store.open();
  const appends: Promise<unknown>[] = [];
  const settlements: Promise<unknown>[] = [];
  const perCommit = Math.max(1, lingerMs / SECOND_MS);
  /** The newest one, where there is a linger: it waits for others. */
  const lingering = lingerMs === 0 ? 0 : 1;
  for (const observation of observations) {
    appends.push(store.append([observation], { urgent: false }));
    await clock.advance(ACK_MS);
    if (appends.length === perCommit + lingering) {
      await Promise.all(appends.splice(0, perCommit));
      const taken = await store.take(FORWARDER, 'live', LIMITS);
      assert.equal(taken?.records.length, perCommit, 'what is committed is there to be sent');
      const sequences = taken.records.map(({ sequence }) => sequence);
      settlements.push(store.settle(FORWARDER, taken.salt, rangesOf(sequences)));
    }
    await clock.advance(SECOND_MS - ACK_MS);
  }
  await store.close();
  await Promise.all([...appends, ...settlements]);
}
