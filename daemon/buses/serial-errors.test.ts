import { expect, test } from 'vitest';
import { openError } from './serial-errors.ts';

/** What serialport's native part says, word for word (bindings-cpp 13, serialport_unix.cpp), with each errno's text. */
const SAID: readonly (readonly [string, string])[] = [
  ['Error: No such file or directory, cannot open /dev/gps', 'PORT_ABSENT'],
  ['Error: No such device or address, cannot open /dev/gps', 'PORT_ABSENT'],
  ['Error: No such device, cannot open /dev/gps', 'PORT_ABSENT'],
  ['Error: Permission denied, cannot open /dev/gps', 'PORT_PERMISSION'],
  ['Error: Operation not permitted, cannot open /dev/gps', 'PORT_PERMISSION'],
  ['Error: Device or resource busy, cannot open /dev/gps', 'PORT_BUSY'],
  ['Error Resource temporarily unavailable Cannot lock port', 'PORT_BUSY'],
  ['Error: Inappropriate ioctl for device setting custom baud rate of 4800', 'PORT_ABSENT'],
  ['Error: Input/output error setting custom baud rate of 4800', 'PORT_ABSENT'],
];

test.each(SAID)('%s: %s', (words, code) => {
  const cause = new Error(words);
  const error = openError('/dev/gps', cause);
  expect(error).toMatchObject({ code, retry: 'later', context: { path: '/dev/gps' } });
  expect((error.cause as Error).message).toBe(words.replace(/^Error: /, ''));
  expect(error.hint).not.toBe('');
});

test('a port that may not be opened says which group to join', () => {
  expect(openError('/dev/gps', new Error('Error: Permission denied, cannot open /dev/gps')).hint).toContain('dialout');
});
