import { expect, test } from 'vitest';
import { MooringError } from '../../../runtime/errors.ts';
import { busError } from './errors.ts';

const place = { bus: 'i2c-1', address: 0x8, mux: { address: 0x70, channel: 3 } };

test.each([
  ['ENOENT', 'PORT_ABSENT', /raspi-config`, Interface Options, I2C/],
  ['ENODEV', 'PORT_ABSENT', /raspi-config/],
  ['EACCES', 'PORT_PERMISSION', /usermod -aG i2c/],
  ['EPERM', 'PORT_PERMISSION', /usermod -aG i2c/],
  ['EBUSY', 'PORT_BUSY', /dtoverlay/],
  ['ENXIO', 'I2C_NO_DEVICE', /i2cdetect/],
  ['EREMOTEIO', 'I2C_NO_DEVICE', /i2cdetect/],
  ['ETIMEDOUT', 'BUS_FAILED', /i2c_arm_baudrate/],
  ['EIO', 'BUS_FAILED', /pull-ups/],
  ['EAGAIN', 'BUS_FAILED', /pull-ups/],
  ['ENOTSUP', 'BUS_FAILED', /SMBus/],
])('%s is %s, with what can be done about it and where', (code, ours, hint) => {
  const cause = Object.assign(new Error(code), { code });
  const error = busError(cause, place);
  expect(error).toMatchObject({ code: ours, cause, context: { bus: 'i2c-1', address: '0x08', mux: '0x70/3' } });
  expect((error as MooringError).hint).toMatch(hint);
});

test('a fault of the program, an abort and an operating error stay what they are', () => {
  const others = [
    new TypeError('x'),
    Object.assign(new TypeError('x'), { code: 'ERR_INVALID_ARG_TYPE' }),
    new DOMException('aborted', 'AbortError'),
    new MooringError('DEADLINE', 'late'),
    undefined,
  ];
  expect(others.map((error) => busError(error, place))).toEqual(others);
});
