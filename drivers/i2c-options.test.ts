import { expect, test } from 'vitest';
import { z } from 'zod';
import { i2cOptions, settingsOf } from './i2c-options.ts';

const options = z.strictObject(i2cOptions([0x76, 0x77], 0x76));

test('without keys a chip is at its usual address on the usual bus', () => {
  expect(settingsOf(options.parse({}))).toEqual({ bus: 'i2c-1', address: 0x76 });
});

test('a chip may be at its other address, on another bus, behind a multiplexer', () => {
  const given = { bus: 'i2c-22', address: 0x77, mux: { address: 0x70, channel: 7 } };
  expect(settingsOf(options.parse(given))).toEqual(given);
});

test.each([
  ['an address that the chip cannot have', { address: 0x40 }],
  ['a path instead of a bus', { bus: '/dev/i2c-1' }],
  ['the number of a bus without its name', { bus: '1' }],
  ['an address that no multiplexer has', { mux: { address: 0x6f, channel: 0 } }],
  ['a channel that no multiplexer has', { mux: { address: 0x70, channel: 8 } }],
  ['a multiplexer without a channel', { mux: { address: 0x70 } }],
])('%s is refused', (_, given) => {
  expect(options.safeParse(given).success).toBe(false);
});
