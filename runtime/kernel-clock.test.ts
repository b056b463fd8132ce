import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hardwareClockMs, kernelClockIsSynchronised } from './kernel-clock.ts';

describe('the hardware clock', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rtc-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is read from the first of the kernel, in milliseconds', async () => {
    mkdirSync(join(folder, 'rtc0'));
    writeFileSync(join(folder, 'rtc0', 'since_epoch'), '1767225600\n');
    expect(await hardwareClockMs(folder)).toBe(Date.UTC(2026, 0, 1));
  });

  it('is undefined where there is none, or none that answers', async () => {
    expect(await hardwareClockMs(folder)).toBeUndefined();
    expect(await hardwareClockMs(join(folder, 'nowhere'))).toBeUndefined();
    mkdirSync(join(folder, 'rtc0'));
    expect(await hardwareClockMs(folder)).toBeUndefined();
  });
});

it('the kernel says whether its clock is synchronised', () => {
  expect(kernelClockIsSynchronised()).toBeTypeOf('boolean');
});
