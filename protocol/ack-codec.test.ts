import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyAck } from '../test/protocol/acks.ts';
import { codeOf } from '../test/protocol/error-code.ts';
import type { Ack, RejectCode } from './ack.ts';
import { decodeAck, encodeAck } from './ack-codec.ts';
import { crc32c } from './codec/crc32c.ts';
import type { Range } from './intervals.ts';

const NAME = { salt: new Uint8Array(16).fill(0xa5), batch: 7, token: new Uint8Array(8).fill(0x5a) };

/** `count` ranges of one sequence each. */
function ones(count: number, from = 1): Range[] {
  return Array.from({ length: count }, (_, index): Range => [from + 2 * index, from + 2 * index]);
}

describe('an ack', () => {
  it('comes back as it was, whatever its parts', () => {
    fc.assert(
      fc.property(anyAck, (ack) => {
        assert.deepStrictEqual(decodeAck(encodeAck(ack)), ack);
      }),
      { numRuns: 2000 },
    );
  });

  it('takes few bytes for what is nearly always said: all of it is stored', () => {
    expect(encodeAck({ ...NAME, stored: [[1_000_001, 1_000_060]] }).length).toBeLessThan(45);
  });

  it('is read out of a Buffer without holding on to it', () => {
    const received = Buffer.concat([Buffer.alloc(5), encodeAck({ ...NAME, stored: [[1, 9]] })]).subarray(5);
    const { salt, token } = decodeAck(received);
    expect([salt.buffer.byteLength, token.buffer.byteLength]).toEqual([16, 8]);
  });

  it('carries 256 ranges in all its parts together, and no more', () => {
    const full: Ack = {
      ...NAME,
      stored: ones(100),
      held: { ranges: ones(100, 1000), seconds: 600 },
      rejected: [{ ranges: ones(56, 2000), code: 'too_large' }],
    };
    expect(decodeAck(encodeAck(full))).toEqual(full);
    expect(codeOf(() => encodeAck({ ...full, stored: ones(101) }))).toBe('BOUNDS');
    expect(codeOf(() => encodeAck({ ...NAME, stored: ones(257) }))).toBe('BOUNDS');
  });

  it.each<[string, Partial<Ack>]>([
    ['a part without ranges', { stored: [] }],
    [
      'ranges that descend',
      {
        stored: [
          [5, 6],
          [1, 2],
        ],
      },
    ],
    [
      'ranges that share a sequence',
      {
        stored: [
          [1, 5],
          [5, 6],
        ],
      },
    ],
    ['a range from its end to its start', { stored: [[2, 1]] }],
    ['the sequence 0', { stored: [[0, 1]] }],
    ['a sequence of 49 bits', { stored: [[1, 2 ** 48]] }],
    ['half a sequence', { stored: [[1, 1.5]] }],
    ['601 seconds', { held: { ranges: [[1, 2]], seconds: 601 } }],
    ['part of a second', { held: { ranges: [[1, 2]], seconds: 0.5 } }],
    ['a rejection without a code', { rejected: [{ ranges: [[1, 2]], code: 'why' as RejectCode }] }],
    ['a retry before now', { busy: { retryAfterMs: -1 } }],
    ['a version 0', { versionMax: 0 }],
    ['a salt of 15 bytes', { salt: new Uint8Array(15) }],
    ['a batch number of 33 bits', { batch: 2 ** 32 }],
  ])('is not written with %s', (_, parts) => {
    expect(codeOf(() => encodeAck({ ...NAME, ...parts }))).toBe('INVALID');
  });

  it('is none when a bit has flipped, or when it was cut or goes on', () => {
    const whole = encodeAck({ ...NAME, stored: [[1, 60]], held: { ranges: [[61, 90]], seconds: 300 } });
    for (let bit = 0; bit < whole.length * 8; bit += 1) {
      const bytes = whole.slice();
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(codeOf(() => decodeAck(bytes))).toBe('NOT_AN_ACK');
    }
    for (let length = 0; length < whole.length; length += 1) {
      expect(codeOf(() => decodeAck(whole.subarray(0, length)))).toBe('NOT_AN_ACK');
    }
    expect(codeOf(() => decodeAck(Buffer.concat([whole, Buffer.alloc(1)])))).toBe('NOT_AN_ACK');
  });

  it('is none of a version that this end does not read, whole as it may be', () => {
    const bytes = encodeAck({ ...NAME, busy: { retryAfterMs: 500 } });
    bytes[2] = 2;
    new DataView(bytes.buffer).setUint32(bytes.length - 4, crc32c(bytes.subarray(0, bytes.length - 4)));
    expect(codeOf(() => decodeAck(bytes))).toBe('NOT_AN_ACK');
  });
});
