import { beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../runtime/clock.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { WallClock } from './wall.ts';

const START = Date.UTC(2026, 0, 1);
const YEAR_MS = 365 * 86_400_000;

describe('labels', () => {
  let clock: SteppedClock;
  let isSynchronised: boolean;
  let hardwareMs: number | undefined;
  let wall: WallClock;
  beforeEach(() => {
    clock = new SteppedClock(START);
    isSynchronised = false;
    hardwareMs = undefined;
    wall = new WallClock({
      clock,
      isSynchronised: () => isSynchronised,
      hardwareMs: async () => await Promise.resolve(hardwareMs),
    });
  });

  it('are synced where the kernel says so, whatever a receiver says', async () => {
    isSynchronised = true;
    for (let second = 0; second < 3; second += 1) {
      wall.heardUtc(START + 50_000 + clock.monotonicMs());
      await clock.advance(1000);
    }
    expect(wall.label()).toEqual({ timestampMs: START + 3000, clock: 'synced' });
  });

  it("are a receiver's while its time is fresh", async () => {
    clock.jumpWall(-20 * YEAR_MS);
    wall.heardUtc(START);
    await clock.advance(1000);
    wall.heardUtc(START + 1000);
    await clock.advance(500);
    expect(wall.label()).toEqual({ timestampMs: START + 1500, clock: 'gps' });
    expect(wall.label(200)).toEqual({ timestampMs: START + 200, clock: 'gps' });
    await clock.advance(11 * 60_000);
    expect(wall.label()).toEqual({ timestampMs: clock.wallMs(), clock: 'unsynced' });
  });

  it('are rtc where a hardware clock agrees with the system, and unsynced where it does not or there is none', async () => {
    expect(wall.state()).toBe('unsynced');
    for (const [hardware, state] of [
      [START - 60_000, 'unsynced'],
      [START + 20_000, 'rtc'],
      [undefined, 'unsynced'],
    ] as const) {
      await clock.advance(10_000);
      hardwareMs = hardware;
      wall.label();
      await clock.advance(0);
      expect(wall.state()).toBe(state);
    }
  });

  it('wait for no hardware clock, and believe none that does not answer', async () => {
    let asked = 0;
    const answers: ((ms: number) => void)[] = [];
    const hardware = async (): Promise<number> => {
      asked += 1;
      return await new Promise((resolve) => answers.push(resolve));
    };
    wall = new WallClock({ clock, isSynchronised: () => false, hardwareMs: hardware });
    answers.shift()?.(START);
    await clock.advance(0);
    expect(wall.state()).toBe('rtc');
    for (let round = 0; round < 3; round += 1) {
      await clock.advance(10_000);
      wall.label();
    }
    expect([asked, wall.state()]).toEqual([2, 'unsynced']);
    answers.shift()?.(START + 30_000);
    await clock.advance(0);
    expect(wall.state()).toBe('rtc');
  });

  it('ask the system anew at once when its clock has stepped', () => {
    expect(wall.state()).toBe('unsynced');
    isSynchronised = true;
    expect(wall.state()).toBe('unsynced');
    clock.jumpWall(YEAR_MS);
    expect(wall.label()).toEqual({ timestampMs: START + YEAR_MS, clock: 'synced' });
  });

  it('of regular ticks are regular to the millisecond, although wall time is read in whole ones', async () => {
    const rough: Clock = {
      wallMs: () => Math.floor(START + clock.monotonicMs() + 0.7),
      monotonicMs: () => clock.monotonicMs() + 0.123,
      sleep: async (durationMs) => await clock.sleep(durationMs),
      after: (durationMs, action) => clock.after(durationMs, action),
    };
    const regular = new WallClock({
      clock: rough,
      isSynchronised: () => true,
      hardwareMs: async () => await Promise.resolve(undefined),
    });
    const labels: number[] = [];
    for (let tick = 0; tick < 50; tick += 1) {
      await clock.advance(99.9 + 0.2 * (tick % 2));
      labels.push(regular.label(tick * 100).timestampMs);
    }
    expect(new Set(labels.slice(1).map((label, index) => label - (labels[index] as number)))).toEqual(new Set([100]));
  });

  it('stay within the years that a record may have', () => {
    clock.jumpWall(-100 * YEAR_MS);
    expect(wall.label().timestampMs).toBe(0);
    clock.jumpWall(10_000 * YEAR_MS);
    expect(wall.label().timestampMs).toBe(Date.UTC(9999, 11, 31, 23, 59, 59, 999));
  });
});
