/** From the wires of a simulated Pi to the files of a sink, over a lossy link: what stands there is true. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { audit } from '../../cli/audit.ts';
import { type Observation, RESERVED_KEYS } from '../../protocol/record.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { SimulatedPi } from '../simulated-pi.ts';
import { SimulatedCentre } from './centre.ts';
import { SimulatedGateway } from './gateway.ts';

const START = Date.UTC(2026, 2, 4, 9, 59, 59, 500);
const TICKS = 600;
const DRAIN_S = 300;
const PLACE = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(PLACE, 'mooring-simulation-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test.each(['city', 'buoy'])(
  '600 ticks of the %s arrive in the sink once, and each value there is as near to the truth as its data sheet says',
  async (example) => {
    const pi = new SimulatedPi(join(import.meta.dirname, '../../examples', `${example}.yaml`), START);
    await pi.run(TICKS);
    await pi.stop();
    const samples = sentThrough(await arrived(pi.observations));
    expect(samples.filter(({ timestampMs }) => timestampMs % 1000 === 0)).toHaveLength(pi.samples.length);
    expect(samples.length).toBeGreaterThanOrEqual(TICKS);
    expect(pi.untrueIn(samples)).toEqual([]);
  },
);

/** The lines of the sink's files after everything has been sent and acknowledged; the audit is clean. */
async function arrived(observations: readonly Observation[]): Promise<Record<string, unknown>[]> {
  const clock = new SteppedClock(START);
  const random = new SeededRandom(5);
  const centre = new SimulatedCentre(clock, random);
  const gateway = new SimulatedGateway({ folder, clock, random, centre: centre.receive });
  await centre.start();
  await gateway.start();
  gateway.setQuality({ delayMs: 200, jitterMs: 400, loss: 0.2, duplication: 0.2 });
  for (let at = 0; at < observations.length; at += 100) {
    gateway.append(observations.slice(at, at + 100), false);
    await clock.advance(250);
    await gateway.quiet();
  }
  for (let passed = 0; passed < DRAIN_S * 4 && (await gateway.pending()) > 0; passed += 1) {
    await clock.advance(250);
    await gateway.quiet();
  }
  await gateway.stop();
  const records = join(folder, 'records');
  centre.export(records);
  const { ok, runs } = await audit(records, { store: gateway.storePath });
  expect({ ok, runs }).toMatchObject({ ok: true, runs: [{ holes: [], duplicates: 0, unsettled: 0, gaps: [] }] });
  expect(runs[0]?.records).toBe(observations.length + 1);
  return readdirSync(records, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ndjson'))
    .flatMap((name) => readFileSync(join(records, name), 'utf8').trimEnd().split('\n'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Samples as they stand in the sink, one flat object each. */
function sentThrough(
  lines: readonly Record<string, unknown>[],
): Pick<Observation, 'station' | 'timestampMs' | 'metrics' | 'location'>[] {
  return lines
    .filter(({ kind }) => kind === 'sample')
    .map((line) => ({
      station: line.station as string,
      timestampMs: Date.parse(line.timestamp as string),
      metrics: Object.fromEntries(
        Object.entries(line).filter(([key]) => !RESERVED_KEYS.has(key)),
      ) as Observation['metrics'],
      ...(line.location === undefined ? {} : { location: line.location as NonNullable<Observation['location']> }),
    }));
}
