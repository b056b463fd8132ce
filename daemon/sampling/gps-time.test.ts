import { describe, expect, it } from 'vitest';
import { GpsTime } from './gps-time.ts';

const UTC = Date.UTC(2026, 5, 1);
const MINUTE_MS = 60_000;

describe('time from a receiver', () => {
  it('is believed when two in a row agree', () => {
    const time = new GpsTime();
    time.heard(UTC, 500);
    expect(time.offsetMs(600)).toBeUndefined();
    time.heard(UTC + 1000, 1600);
    expect(time.offsetMs(1700)).toBe(UTC - 600);
  });

  it('is taken from the sentence that came with the least delay, so that labels do not jitter', () => {
    const time = new GpsTime();
    for (let second = 0; second < 300; second += 1) {
      const delayMs = 100 + ((second * 37) % 200);
      time.heard(UTC + second * 1000, second * 1000 + delayMs);
    }
    expect(time.offsetMs(300_000)).toBe(UTC - 100);
  });

  it('is forgotten after ten minutes of silence', () => {
    const time = new GpsTime();
    time.heard(UTC, 0);
    time.heard(UTC + 1000, 1000);
    expect(time.offsetMs(1000 + 10 * MINUTE_MS)).toBe(UTC);
    expect(time.offsetMs(1001 + 10 * MINUTE_MS)).toBeUndefined();
  });

  it('is not thrown off by one wrong date, and follows a lasting change', () => {
    const time = new GpsTime();
    time.heard(UTC, 0);
    time.heard(UTC + 1000, 1000);
    time.heard(UTC + 2000 + 1024 * 7 * 24 * 60 * MINUTE_MS, 2000);
    expect(time.offsetMs(2500)).toBe(UTC);
    time.heard(UTC + 3000, 3000);
    expect(time.offsetMs(3500)).toBe(UTC);
    time.heard(UTC + 9000, 4000);
    time.heard(UTC + 10_000, 5000);
    expect(time.offsetMs(5500)).toBe(UTC + 5000);
  });
});
