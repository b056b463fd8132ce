/** Acks that no writer of ours writes, built bit by bit. */
import { describe, expect, it } from 'vitest';
import { decodeAck } from './ack-codec.ts';
import { BitWriter } from './codec/bit-writer.ts';
import { crc32c } from './codec/crc32c.ts';
import { ProtocolError } from './errors.ts';

type Part = (writer: BitWriter) => void;

describe('an ack that is whole as far as its checksum says', () => {
  function ackOf(part: Part): Uint8Array {
    const writer = new BitWriter();
    part(writer);
    const parts = writer.finish();
    const bytes = new Uint8Array(31 + parts.length + 4);
    bytes.set([0x4d, 0x41, 1]);
    bytes.set(parts, 31);
    new DataView(bytes.buffer).setUint32(bytes.length - 4, crc32c(bytes.subarray(0, -4)));
    return bytes;
  }

  function someRanges(writer: BitWriter, count: number): void {
    writer.count(count - 1);
    for (let range = 0; range < count; range += 1) {
      writer.number(1);
      writer.number(0);
    }
  }

  function storedAndHeld(stored: number, held: number, seconds: number): Uint8Array {
    return ackOf((writer) => {
      writer.flag(true);
      someRanges(writer, stored);
      writer.flag(true);
      writer.bits(seconds, 10);
      someRanges(writer, held);
      writer.bits(0b1000, 4);
    });
  }

  const notAnAck = expect.objectContaining({ name: ProtocolError.name, code: 'NOT_AN_ACK' });

  it('is read when it breaks no rule, and none when it has more ranges or seconds than may be', () => {
    expect(decodeAck(storedAndHeld(200, 56, 600)).held?.ranges).toHaveLength(56);
    expect(() => decodeAck(storedAndHeld(200, 57, 600))).toThrow(notAnAck);
    expect(() => decodeAck(storedAndHeld(257, 1, 600))).toThrow(notAnAck);
    expect(() => decodeAck(storedAndHeld(1, 1, 601))).toThrow(notAnAck);
  });

  /** Rejects one sequence with a code of four, and so many bytes of a sink's name. */
  function rejectedBy(name: string, length = name.length): Uint8Array {
    return ackOf((writer) => {
      writer.bits(0, 2);
      writer.count(1);
      writer.count(4);
      writer.count(length);
      for (let at = 0; at < name.length; at += 1) writer.bits(name.charCodeAt(at), 8);
      someRanges(writer, 1);
      writer.bits(0, 3);
    });
  }

  it('names a sink as a sink may be called, and is none where it does not', () => {
    expect(decodeAck(rejectedBy('lake')).rejected).toEqual([{ code: 'sink:lake', ranges: [[2, 2]] }]);
    expect(decodeAck(rejectedBy('a'.repeat(63))).rejected).toHaveLength(1);
    for (const name of ['', 'Lake', 'a b', 'a'.repeat(64)]) expect(() => decodeAck(rejectedBy(name))).toThrow(notAnAck);
  });
});
