/** When records are made, and what stands in which. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sim } from '../../drivers/sim/sim.ts';
import { MooringError } from '../../runtime/errors.ts';
import { ScriptedPolled, ScriptedPushed } from '../../sim/scripted-sensors.ts';
import { counter, DAY_MS, SamplerStage, START, scripted, settingsOf, station } from '../sampler-stage.ts';

let stage: SamplerStage;
beforeEach(() => {
  stage = new SamplerStage();
});
afterEach(async () => {
  await stage.stop();
});

describe('cadence', () => {
  it('a polled metric appears in the tick that sampled it, and is absent without a flag where it was not due', async () => {
    await stage.start([
      station('s', [
        scripted(counter('temperature'), ['temperature']),
        scripted(counter('humidity'), ['humidity'], { everyMs: 3000 }),
      ]),
    ]);
    await stage.clock.advance(4000);
    expect(stage.samplesOf('s').map(({ metrics, flags }) => [metrics, flags])).toEqual([
      [{ temperature: 1, humidity: 1 }, {}],
      [{ temperature: 2 }, {}],
      [{ temperature: 3 }, {}],
      [{ temperature: 4, humidity: 2 }, {}],
      [{ temperature: 5 }, {}],
    ]);
  });

  it('a polled metric that was due and failed is absent with flag 9, and only in the ticks at which it was due', async () => {
    const failing = new ScriptedPolled(
      async () => await Promise.reject(new MooringError('SENSOR_FAILED', 'no answer')),
    );
    await stage.start([
      station('s', [
        scripted(failing, ['humidity', 'temperature'], { everyMs: 2000, rename: { temperature: 'water_temperature' } }),
      ]),
    ]);
    await stage.clock.advance(2000);
    const flags = { humidity: 9, water_temperature: 9 };
    expect(stage.samplesOf('s').map((record) => [record.metrics, record.flags])).toEqual([
      [{}, flags],
      [{}, {}],
      [{}, flags],
    ]);
  });

  it('a pushed value is taken once, in the tick after it came, the newest if there are several', async () => {
    const gps = new ScriptedPushed();
    await stage.start([station('s', [scripted(gps, ['depth', 'heading'])])]);
    gps.say({ metrics: { depth: 1, heading: 7 } });
    await stage.clock.advance(500);
    gps.say({ metrics: { depth: 2 } });
    await stage.clock.advance(2500);
    expect(stage.samplesOf('s').map(({ metrics }) => metrics)).toEqual([{}, { depth: 2, heading: 7 }, {}, {}]);
  });

  it('a pushed metric that has been silent for longer than its stale time is flagged, one that never came is not', async () => {
    const gps = new ScriptedPushed();
    await stage.start([station('s', [scripted(gps, ['depth', 'heading'], { staleMs: 3000 })])]);
    await stage.clock.advance(500);
    gps.say({ metrics: { depth: 1 } });
    await stage.clock.advance(5500);
    expect(stage.samplesOf('s').map(({ metrics, flags }) => [metrics, flags])).toEqual([
      [{}, {}],
      [{ depth: 1 }, {}],
      [{}, {}],
      [{}, {}],
      [{}, { depth: 9 }],
      [{}, { depth: 9 }],
      [{}, { depth: 9 }],
    ]);
  });

  it('a tick makes a record even with no metric', async () => {
    await stage.start([station('s', [scripted(new ScriptedPushed(), ['depth'])])]);
    await stage.clock.advance(2000);
    expect(
      stage.samplesOf('s').map(({ metrics, flags, timestampMs }) => [metrics, flags, timestampMs - START]),
    ).toEqual([
      [{}, {}, 0],
      [{}, {}, 1000],
      [{}, {}, 2000],
    ]);
  });
});

describe('ticks', () => {
  it('neither drift nor bunch in a simulated day: one record a second, to the millisecond', async () => {
    const options = sim.options.parse({ profile: 'city', seed: 7 }) as unknown;
    await stage.clock.advance(437);
    await stage.start([station('city-1', [settingsOf(sim, options)])]);
    await stage.clock.advance(DAY_MS);
    const records = stage.samplesOf('city-1');
    expect(records.length).toBe(86_400);
    expect(records.every(({ timestampMs }, index) => timestampMs === START + 1000 * (index + 1))).toBe(true);
    expect(
      records.every(({ metrics, flags }) => Object.keys(metrics).length === 9 && Object.keys(flags).length === 0),
    ).toBe(true);
  }, 60_000);

  it('go on through a clock that jumps by years, and say that it did', async () => {
    await stage.start([station('s', [scripted(counter('temperature'), ['temperature'])])]);
    await stage.clock.advance(2500);
    stage.clock.jumpWall(20 * 365 * DAY_MS);
    await stage.clock.advance(2000);
    stage.clock.jumpWall(-40 * 365 * DAY_MS);
    await stage.clock.advance(2000);
    expect(stage.samplesOf('s').map(({ atMs, metrics }) => [atMs, metrics.temperature])).toEqual(
      Array.from({ length: 7 }, (_, index) => [1000 * index, index + 1]),
    );
    expect(stage.samplesOf('s').map(({ timestampMs }) => Math.round((timestampMs - START) / (365 * DAY_MS)))).toEqual([
      0, 0, 0, 20, 20, -20, -20,
    ]);
    expect(stage.eventsOf('clock').map(({ info }) => info?.step_ms)).toEqual([20 * 365 * DAY_MS, -40 * 365 * DAY_MS]);
  });

  it('after a stall the missed ones are skipped and reported, and a sample that was due in them is made up for once', async () => {
    await stage.start([
      station('s', [
        scripted(counter('temperature'), ['temperature']),
        scripted(counter('humidity'), ['humidity'], { everyMs: 5000 }),
      ]),
    ]);
    await stage.clock.advance(3500);
    stage.clock.stall(4000);
    await stage.clock.advance(2500);
    expect(stage.samplesOf('s').map(({ timestampMs, metrics }) => [timestampMs - START, metrics])).toEqual([
      [0, { temperature: 1, humidity: 1 }],
      [1000, { temperature: 2 }],
      [2000, { temperature: 3 }],
      [3000, { temperature: 4 }],
      [7000, { temperature: 5, humidity: 2 }],
      [8000, { temperature: 6 }],
      [9000, { temperature: 7 }],
      [10_000, { temperature: 8, humidity: 3 }],
    ]);
    expect(
      stage.eventsOf('ticks_missed').map(({ station: each, info, urgent }) => [each, info?.count, urgent]),
    ).toEqual([['s', 3, true]]);
    expect(stage.sampler?.status().stations).toMatchObject([{ station: 's', ticks: 8, missed: 3 }]);
  });

  it('of a machine that is always late are reported once a minute, and at the stop, none left out', async () => {
    await stage.start([station('s', [scripted(counter('temperature'), ['temperature'])])]);
    for (let round = 0; round < 30; round += 1) {
      stage.clock.stall(4900);
      await stage.clock.advance(100);
    }
    expect(stage.eventsOf('ticks_missed').length).toBe(3);
    const missed = stage.sampler?.status().stations[0]?.missed;
    await stage.stop();
    const reported = stage.eventsOf('ticks_missed').reduce((sum, { info }) => sum + Number(info?.count), 0);
    expect(reported).toBe(missed);
    expect(reported).toBe(90);
  });
});
