/** Bytes as a bad link or a bad mind would leave them. */
import { crc32c } from '../../protocol/codec/crc32c.ts';
import { PREAMBLE_BYTES } from '../../protocol/codec/preamble.ts';
import type { SeededRandom } from '../../runtime/random.ts';

/** Turns a few bits or bytes over, moves some, cuts or lengthens; nothing before `from`. */
export function mutated(bytes: Uint8Array, from: number, random: SeededRandom): Uint8Array {
  const result = Uint8Array.from(bytes);
  for (let times = 1 + random.integer(6); times > 0; times -= 1) {
    const at = from + random.integer(Math.max(1, result.length - from));
    const choice = random.integer(4);
    if (at >= result.length) break;
    if (choice === 0) result[at] = random.integer(256);
    else if (choice === 1) result[at] = (result[at] as number) ^ (1 << random.integer(8));
    else if (choice === 2) result.fill(random.integer(2) * 255, at, at + 1 + random.integer(8));
    else result.copyWithin(at, from + random.integer(result.length - from), result.length);
  }
  const length = result.length + random.integer(8) - 4;
  if (random.integer(3) > 0 || length <= from) return result;
  const resized = random.bytes(length);
  resized.set(result.subarray(0, length));
  return resized;
}

/** Makes a batch whole again as far as length and checksums say, so that what is inside gets read. */
export function resealedBatch(bytes: Uint8Array): Uint8Array {
  if (bytes.length < PREAMBLE_BYTES + 4) return bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setUint16(0, 0x4d42);
  view.setUint8(2, 1);
  view.setUint8(3, 0);
  view.setUint16(4, bytes.length - PREAMBLE_BYTES);
  view.setUint32(PREAMBLE_BYTES - 4, crc32c(bytes.subarray(0, PREAMBLE_BYTES - 4)));
  view.setUint32(bytes.length - 4, crc32c(bytes.subarray(PREAMBLE_BYTES, bytes.length - 4)));
  return bytes;
}
