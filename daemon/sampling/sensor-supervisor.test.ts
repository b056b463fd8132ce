import { getEventListeners } from 'node:events';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Reading, Sensor } from '../../drivers/driver.ts';
import { MooringError } from '../../runtime/errors.ts';
import { type Log, silentLog } from '../../runtime/log.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { ScriptedPolled, ScriptedPushed } from '../../sim/scripted-sensors.ts';
import { SensorSupervisor } from './sensor-supervisor.ts';

const GOOD: Reading = { metrics: { temperature: 21 } };
const never = async (): Promise<never> => await new Promise<never>(() => undefined);
const absent = (): MooringError => new MooringError('PORT_ABSENT', 'no such port');

describe('a supervised sensor', () => {
  let clock: SteppedClock;
  /** Codes of failures, and `back`. */
  let changes: string[];
  let readings: Reading[];
  let warnings: object[];
  beforeEach(() => {
    clock = new SteppedClock();
    changes = [];
    readings = [];
    warnings = [];
  });

  /** With the longest possible waits, so that the back-off can be read off. */
  function supervise(sensor: Sensor): SensorSupervisor {
    const log: Log = { ...silentLog, warn: (fields: object) => void warnings.push(fields), info: () => undefined };
    return new SensorSupervisor({
      sensor,
      clock,
      random: { uniform: () => 0.999_999, bytes: (length) => new Uint8Array(length) },
      log,
      onReading: (reading) => readings.push(reading),
      onChange: (error) => changes.push(error?.code ?? 'back'),
    });
  }

  it('is opened once and then only asked', async () => {
    const sensor = new ScriptedPolled(async () => await Promise.resolve(GOOD));
    const supervisor = supervise(sensor);
    await supervisor.start();
    expect(supervisor.state).toBe('waiting');
    expect(await supervisor.sample(100)).toBe(GOOD);
    expect(await supervisor.sample(100)).toBe(GOOD);
    expect(supervisor.state).toBe('ok');
    await supervisor.stop();
    expect(sensor.calls).toEqual(['open', 'sample', 'sample', 'close']);
    expect([changes, supervisor.state, clock.pendingTimers]).toEqual([[], 'stopped', 0]);
  });

  it('that cannot be opened is tried again with growing waits, for ever, and reported once', async () => {
    const opened: number[] = [];
    const sensor = new ScriptedPolled(async () => await Promise.resolve(GOOD), {
      open: async () => {
        opened.push(Math.round(clock.monotonicMs() / 1000));
        if (opened.length < 8) throw absent();
        await Promise.resolve();
      },
    });
    const supervisor = supervise(sensor);
    await supervisor.start();
    expect(await supervisor.sample(100)).toBeUndefined();
    await clock.advance(200_000);
    expect(opened).toEqual([0, 1, 3, 7, 15, 31, 61, 91]);
    expect([changes, warnings.length, supervisor.state]).toEqual([['PORT_ABSENT'], 1, 'failed']);
    expect(await supervisor.sample(100)).toBe(GOOD);
    expect([changes, supervisor.state, supervisor.failure]).toEqual([['PORT_ABSENT', 'back'], 'ok', undefined]);
  });

  it('that is absent for long leaves nothing behind at each attempt', async () => {
    const sleeping = new Set<AbortSignal>();
    clock = new (class extends SteppedClock {
      override sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
        if (signal !== undefined) sleeping.add(signal);
        return super.sleep(durationMs, signal);
      }
    })();
    const sensor = new ScriptedPolled(async () => await Promise.resolve(GOOD), {
      open: async () => await Promise.reject(absent()),
    });
    const supervisor = supervise(sensor);
    await supervisor.start();
    await clock.advance(3_600_000);
    expect(sensor.count('open')).toBeGreaterThan(100);
    // One of the guarded call, one of the pause that is under way.
    expect([...sleeping].map((signal) => getEventListeners(signal, 'abort').length)).toEqual([2]);
    await supervisor.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  it('is not back when it is open again, only when it answers', async () => {
    let isGood = false;
    const sensor = new ScriptedPolled(async () => {
      if (!isGood) throw new MooringError('SENSOR_FAILED', 'no answer');
      return await Promise.resolve(GOOD);
    });
    const supervisor = supervise(sensor);
    await supervisor.start();
    for (let round = 0; round < 4; round += 1) {
      expect(await supervisor.sample(100)).toBeUndefined();
      await clock.advance(60_000);
    }
    expect(changes).toEqual(['SENSOR_FAILED']);
    isGood = true;
    await supervisor.sample(100);
    expect(changes).toEqual(['SENSOR_FAILED', 'back']);
    expect(sensor.count('open')).toBe(5);
  });

  it('that misses single samples and says "now" stays open; at the third in a row it is reopened', async () => {
    let left = 2;
    const sensor = new ScriptedPolled(async () => {
      left -= 1;
      if (left >= 0) throw new MooringError('SENSOR_FAILED', 'a bit was lost', { retry: 'now' });
      return await Promise.resolve(GOOD);
    });
    const supervisor = supervise(sensor);
    await supervisor.start();
    expect(await supervisor.sample(100)).toBeUndefined();
    expect(await supervisor.sample(100)).toBeUndefined();
    expect(await supervisor.sample(100)).toBe(GOOD);
    expect([changes, sensor.count('open')]).toEqual([[], 1]);
    left = 3;
    for (let sample = 0; sample < 3; sample += 1) await supervisor.sample(100);
    expect(changes).toEqual(['SENSOR_FAILED']);
    await clock.advance(0);
    expect(sensor.count('open')).toBe(2);
  });

  it('whose error says "never" is closed and left alone', async () => {
    const sensor = new ScriptedPolled(async () => await Promise.resolve(GOOD), {
      open: async () => await Promise.reject(new MooringError('CONFIG_INVALID', 'another chip')),
    });
    const supervisor = supervise(sensor);
    await supervisor.start();
    await clock.advance(3_600_000);
    expect([sensor.calls, changes, supervisor.state]).toEqual([['open', 'close'], ['CONFIG_INVALID'], 'failed']);
    await supervisor.stop();
  });

  it('that hangs answers nobody late, is never called while it hangs, and is reopened when it comes back', async () => {
    let comeBack = (_: Reading): void => undefined;
    let isHanging = true;
    const sensor = new ScriptedPolled(async () =>
      isHanging
        ? await new Promise<Reading>((resolve) => {
            comeBack = resolve;
          })
        : await Promise.resolve(GOOD),
    );
    const supervisor = supervise(sensor);
    await supervisor.start();
    const answer = supervisor.sample(250);
    await clock.advance(250);
    expect(await answer).toBeUndefined();
    expect([changes, supervisor.state]).toEqual([['DEADLINE'], 'hung']);
    await clock.advance(60_000);
    expect(await supervisor.sample(250)).toBeUndefined();
    expect(sensor.calls).toEqual(['open', 'sample']);
    isHanging = false;
    comeBack(GOOD);
    await clock.advance(1000);
    expect(sensor.calls).toEqual(['open', 'sample', 'close', 'open']);
    expect(await supervisor.sample(250)).toBe(GOOD);
    expect(changes).toEqual(['DEADLINE', 'back']);
  });

  it('that hangs when it is opened or closed has failed, and does not hold up the stop', async () => {
    const opening = supervise(new ScriptedPolled(never, { open: never }));
    const started = opening.start();
    await clock.advance(10_000);
    await started;
    expect([changes, opening.state]).toEqual([['DEADLINE'], 'hung']);
    const closing = supervise(new ScriptedPolled(async () => await Promise.resolve(GOOD), { close: never }));
    await closing.start();
    let stopped = 0;
    for (const supervisor of [opening, closing]) void supervisor.stop().then(() => (stopped += 1));
    await clock.advance(3000);
    expect(stopped).toBe(2);
  });

  it('that speaks by itself is heard, reopened when it is lost, and back at its next word', async () => {
    const sensor = new ScriptedPushed();
    const supervisor = supervise(sensor);
    await supervisor.start();
    sensor.say(GOOD);
    await clock.advance(0);
    expect([readings, supervisor.state]).toEqual([[GOOD], 'ok']);
    sensor.say(new MooringError('PORT_LOST', 'unplugged'));
    await clock.advance(0);
    expect([changes, supervisor.state]).toEqual([['PORT_LOST'], 'failed']);
    await clock.advance(1000);
    expect([sensor.calls, changes]).toEqual([['open', 'close', 'open'], ['PORT_LOST']]);
    sensor.say(GOOD);
    await clock.advance(0);
    expect([readings.length, changes]).toEqual([2, ['PORT_LOST', 'back']]);
    await supervisor.stop();
    expect(sensor.calls.at(-1)).toBe('close');
  });

  it('that comes and goes is reported ever less often', async () => {
    const lost: number[] = [];
    const sensor: Sensor = {
      mode: 'pushed',
      open: async () => await Promise.resolve(),
      close: async () => await Promise.resolve(),
      async *readings() {
        yield await Promise.resolve(GOOD);
        lost.push(Math.round(clock.monotonicMs() / 1000));
        throw new MooringError('PORT_LOST', 'a loose plug');
      },
    };
    const supervisor = supervise(sensor);
    await supervisor.start();
    await clock.advance(70_000);
    expect(lost).toEqual([0, 1, 3, 7, 15, 31, 61]);
    await supervisor.stop();
  });

  it('that ends by itself has failed too', async () => {
    const sensor: Sensor = {
      mode: 'pushed',
      open: async () => await Promise.resolve(),
      close: async () => await Promise.resolve(),
      async *readings() {
        yield await Promise.resolve(GOOD);
      },
    };
    const supervisor = supervise(sensor);
    await supervisor.start();
    await clock.advance(0);
    expect([changes, readings.length]).toEqual([['SENSOR_FAILED'], 1]);
    await supervisor.stop();
  });
});
