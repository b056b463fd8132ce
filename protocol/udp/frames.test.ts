import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BOUNDS } from '../record.ts';
import { DATAGRAM_BYTES_MAX, type Direction, headerBytes, plainBytesMax, TAG_BYTES } from './datagram.ts';
import {
  bitmapBytesMax,
  decodeFrame,
  encodeFrame,
  type Frame,
  HANDSHAKE_BYTES,
  messageBytesMax,
  NUMBERS_SPREAD_MAX,
} from './frames.ts';

const LONG_NAME = 'a'.repeat(63);

function bytesOf(length: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: length, maxLength: length });
}

const anyNumber = fc.integer({ min: NUMBERS_SPREAD_MAX, max: 2 ** 48 - 2 });
const anyMessage = fc.record({
  number: anyNumber,
  back: fc.integer({ min: 0, max: NUMBERS_SPREAD_MAX - 1 }),
  bytes: fc.uint8Array({ maxLength: 1100 }),
});
const anyReceiptsDown = fc.record({ upTo: anyNumber, bitmap: fc.uint8Array({ maxLength: NUMBERS_SPREAD_MAX / 8 }) });
const anyReceiptsUp = fc.record({
  tag: bytesOf(4),
  upTo: anyNumber,
  bitmap: fc.uint8Array({ maxLength: NUMBERS_SPREAD_MAX / 8 }),
});
const nonced = { nonce: bytesOf(16) };
const lowest = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const counter = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const carriages = (receipts: fc.Arbitrary<object>): fc.Arbitrary<object>[] => [
  fc.record({ kind: fc.constant('carriage'), message: anyMessage }),
  fc.record({ kind: fc.constant('carriage'), receipts }),
  fc.record({ kind: fc.constant('carriage'), receipts, message: anyMessage }),
];
const anyUp = fc.oneof(
  fc.record({ kind: fc.constant('hello') }),
  fc.record({ kind: fc.constant('echo'), ...nonced, lowest }),
  ...carriages(anyReceiptsUp),
) as fc.Arbitrary<Frame>;
const anyDown = fc.oneof(
  fc.record({ kind: fc.constant('challenge'), ...nonced, counter }),
  fc.record({ kind: fc.constant('accepted'), ...nonced, lowest }),
  ...carriages(anyReceiptsDown),
) as fc.Arbitrary<Frame>;

/** A frame with its bytes as hex: whether they are a Buffer or an array is no part of it. */
function plain(frame: unknown): unknown {
  if (ArrayBuffer.isView(frame)) return Buffer.from(frame as Uint8Array).toString('hex');
  if (typeof frame !== 'object' || frame === null) return frame;
  return Object.fromEntries(Object.entries(frame).map(([key, value]) => [key, plain(value)]));
}

function isReadAsWritten(frame: Frame, direction: Direction): void {
  expect(plain(decodeFrame(encodeFrame(frame), direction))).toEqual(plain(frame));
}

describe('frames', () => {
  it('are read as they were written, in their own direction', () => {
    fc.assert(fc.property(anyUp, (frame) => isReadAsWritten(frame, 'up')));
    fc.assert(fc.property(anyDown, (frame) => isReadAsWritten(frame, 'down')));
  });

  it('of a handshake are of one length, so that no answer is larger than its question, and none of the other direction', () => {
    const nonce = new Uint8Array(16);
    const up: Frame[] = [{ kind: 'hello' }, { kind: 'echo', nonce, lowest: 1 }];
    const down: Frame[] = [
      { kind: 'challenge', nonce, counter: 1 },
      { kind: 'accepted', nonce, lowest: 1 },
    ];
    for (const frame of [...up, ...down]) expect(encodeFrame(frame)).toHaveLength(HANDSHAKE_BYTES);
    for (const frame of up) expect(decodeFrame(encodeFrame(frame), 'down')).toBeUndefined();
    for (const frame of down) expect(decodeFrame(encodeFrame(frame), 'up')).toBeUndefined();
  });

  it('are refused where anything is cut off, or a number may not be, and nothing is thrown', () => {
    const anyBytes = fc.uint8Array({ maxLength: 200 }).map((bytes) => {
      if (bytes.length > 0) bytes[0] = (bytes[0] as number) % 9;
      return bytes;
    });
    fc.assert(
      fc.property(anyBytes, fc.constantFrom<Direction>('up', 'down'), (bytes, direction) => {
        const frame = decodeFrame(bytes, direction);
        if (frame !== undefined) isReadAsWritten(frame, direction);
      }),
      { numRuns: 2000 },
    );
    // Receipts could not say it.
    const echo = encodeFrame({ kind: 'echo', nonce: new Uint8Array(16), lowest: 2 ** 48 });
    expect(decodeFrame(echo, 'up')).toBeUndefined();
    const message = { number: 9, back: 3, bytes: new Uint8Array(0) };
    const whole = encodeFrame({ kind: 'carriage', receipts: { upTo: 3, bitmap: Uint8Array.of(1) }, message });
    for (let length = 0; length < whole.length; length += 1) {
      expect(decodeFrame(whole.subarray(0, length), 'down')).toBeUndefined();
    }
    const bad = encodeFrame({ kind: 'carriage', message: { ...message, back: 9 } });
    expect(decodeFrame(bad, 'down')).toBeUndefined();
    expect(
      decodeFrame(encodeFrame({ kind: 'carriage', message: { ...message, number: 0, back: 0 } }), 'up'),
    ).toBeUndefined();
  });

  it('have room for one record beside receipts, under the longest name, and for every receipt alone', () => {
    expect(messageBytesMax(LONG_NAME)).toBeGreaterThanOrEqual(BOUNDS.recordBytes);
    for (const gateway of ['a', LONG_NAME]) {
      const bytes = new Uint8Array(messageBytesMax(gateway));
      const tag = new Uint8Array(4);
      const bitmap = new Uint8Array(bitmapBytesMax(gateway, bytes.length));
      expect(bitmap.length).toBe(2);
      const message = { number: 600, back: 500, bytes };
      const beside = encodeFrame({ kind: 'carriage', receipts: { tag, upTo: 1, bitmap }, message });
      expect(headerBytes(gateway) + beside.length + TAG_BYTES).toBe(DATAGRAM_BYTES_MAX);
      const whole = new Uint8Array(bitmapBytesMax(gateway, undefined));
      expect(whole.length * 8).toBe(NUMBERS_SPREAD_MAX);
      const alone = encodeFrame({ kind: 'carriage', receipts: { tag, upTo: 1, bitmap: whole } });
      expect(alone.length).toBeLessThanOrEqual(plainBytesMax(gateway));
    }
  });
});
