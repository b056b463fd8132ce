/** Sensors that hang or fail: nobody else notices, and the records say so. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sim } from '../../drivers/sim/sim.ts';
import { MooringError } from '../../runtime/errors.ts';
import { ScriptedPolled } from '../../sim/scripted-sensors.ts';
import { counter, never, SamplerStage, START, scripted, settingsOf, station } from '../sampler-stage.ts';

let stage: SamplerStage;
beforeEach(() => {
  stage = new SamplerStage();
});
afterEach(async () => {
  await stage.stop();
});

describe('a sensor that hangs', () => {
  it('delays the record of its own station by its deadline once, and that of another never', async () => {
    const hanging = new ScriptedPolled(never);
    await stage.start([
      station('a', [
        scripted(hanging, ['humidity'], { deadlineMs: 300 }),
        scripted(counter('temperature'), ['temperature']),
      ]),
      station('b', [scripted(counter('temperature'), ['temperature'])]),
    ]);
    await stage.clock.advance(5000);
    expect(stage.samplesOf('b').map(({ atMs }) => atMs)).toEqual([0, 1000, 2000, 3000, 4000, 5000]);
    expect(stage.samplesOf('a').map(({ atMs }) => atMs)).toEqual([300, 1000, 2000, 3000, 4000, 5000]);
    expect(stage.samplesOf('a').every(({ flags }) => flags.humidity === 9)).toBe(true);
    expect(stage.samplesOf('a').map(({ metrics }) => metrics.temperature)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(hanging.count('sample')).toBe(1);
    expect(stage.eventsOf('sensor_failed').map(({ station: each, info }) => [each, info?.sensor, info?.code])).toEqual([
      ['a', 'scripted', 'DEADLINE'],
    ]);
    expect(stage.sampler?.status().sensors.map(({ state }) => state)).toEqual(['hung', 'ok', 'ok']);
  });

  it('keeps no record of its station in memory for longer than its deadline, though they leave in order', async () => {
    const slow = scripted(new ScriptedPolled(never), ['humidity'], { everyMs: 10_000, deadlineMs: 6000 });
    await stage.start([station('a', [slow, scripted(counter('temperature'), ['temperature'])])]);
    await stage.clock.advance(5999);
    expect(stage.samplesOf('a')).toEqual([]);
    await stage.clock.advance(4001);
    const records = stage.samplesOf('a');
    expect(records.map(({ metrics }) => metrics.temperature)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(records.map(({ atMs, timestampMs }) => atMs - (timestampMs - START))).toEqual([
      6000, 5000, 4000, 3000, 2000, 1000, 0, 0, 0, 0, 0,
    ]);
  });

  it('when it is opened holds up the first ticks by no more than two seconds', async () => {
    const stuck = new ScriptedPolled(never, { open: never });
    const starting = stage.start([
      station('a', [scripted(stuck, ['humidity'])]),
      station('b', [scripted(counter('temperature'), ['temperature'])]),
    ]);
    await stage.clock.advance(4000);
    await starting;
    expect(stage.samplesOf('b').map(({ atMs }) => atMs)).toEqual([2000, 3000, 4000]);
    expect(stage.samplesOf('a').map(({ flags }) => flags)).toEqual([{ humidity: 9 }, { humidity: 9 }, { humidity: 9 }]);
  });

  it('for longer than a tick but within its deadline still gives its values to the tick that asked, in order', async () => {
    let count = 0;
    const slow = new ScriptedPolled(async () => {
      count += 1;
      const metrics = { temperature: count };
      await stage.clock.sleep(250);
      return { metrics };
    });
    await stage.start([station('s', [scripted(slow, ['temperature'], { everyMs: 400 })], { everyMs: 100 })]);
    await stage.clock.advance(1000);
    const records = stage.samplesOf('s');
    const none = undefined;
    expect(records.map(({ timestampMs }) => timestampMs - START)).toEqual([0, 100, 200, 300, 400, 500, 600, 700]);
    expect(records.map(({ metrics }) => metrics.temperature)).toEqual([1, none, none, none, 2, none, none, none]);
    expect(records.map(({ atMs }) => atMs)).toEqual([250, 250, 250, 300, 650, 650, 650, 700]);
  });
});

describe('a sensor that fails', () => {
  it('and comes back is reported once each, while the records go on', async () => {
    let isBroken = true;
    const sensor = new ScriptedPolled(async () => await Promise.resolve({ metrics: { temperature: 20 } }), {
      open: async () => {
        if (isBroken) throw new MooringError('PORT_ABSENT', 'no such port', { context: { path: '/dev/tty' } });
        await Promise.resolve();
      },
    });
    await stage.start([station('s', [scripted(sensor, ['temperature'])])]);
    await stage.clock.advance(120_000);
    isBroken = false;
    await stage.clock.advance(120_000);
    expect(stage.samplesOf('s').length).toBe(241);
    const events = stage.observations.filter(({ kind }) => kind === 'event');
    expect(events.map(({ info, urgent, metrics }) => ({ info, urgent, metrics }))).toEqual([
      {
        info: {
          event: 'sensor_failed',
          sensor: 'scripted',
          driver: 'scripted',
          code: 'PORT_ABSENT',
          reason: 'no such port',
        },
        urgent: true,
        metrics: {},
      },
      { info: { event: 'sensor_back', sensor: 'scripted', driver: 'scripted' }, urgent: true, metrics: {} },
    ]);
  });

  it('in single samples is flagged in those records, and nothing else', async () => {
    const options = sim.options.parse({ profile: 'city', drop: 0.1 }) as unknown;
    await stage.start([station('s', [settingsOf(sim, options)])]);
    await stage.clock.advance(999_000);
    const records = stage.samplesOf('s');
    const flagged = records.filter(({ flags }) => Object.keys(flags).length > 0);
    expect(flagged.length).toBeGreaterThan(60);
    expect(flagged.length).toBeLessThan(150);
    expect(records.every(({ metrics, flags }) => Object.keys(metrics).length + Object.keys(flags).length === 9)).toBe(
      true,
    );
    expect(flagged.every(({ flags }) => Object.values(flags).every((flag) => flag === 9))).toBe(true);
  });
});
