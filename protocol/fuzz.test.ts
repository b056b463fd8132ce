import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SeededRandom } from '../runtime/random.ts';
import { anyAck } from '../test/protocol/acks.ts';
import { anyRecords } from '../test/protocol/records.ts';
import { decodeAck, encodeAck } from './ack-codec.ts';
import { decodeBatch, decodePreamble, encodeBatch } from './batch-codec.ts';
import { crc32c } from './codec/crc32c.ts';
import { PREAMBLE_BYTES } from './codec/preamble.ts';
import { ProtocolError, type ProtocolErrorCode } from './errors.ts';

const SEED = 7;
const BUFFERS = 200_000;
const GROWTH_BYTES_MAX = 32 * 2 ** 20;
const DECODE_MS_MAX = 50;

const NAME = { salt: new Uint8Array(16).fill(0xa5), batch: 7, token: new Uint8Array(8).fill(0x5a) };

/** Collects what can be, then tells what is held. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Turns a few bits or bytes over, moves some, cuts or lengthens. */
function mutated(bytes: Uint8Array, from: number, random: SeededRandom): Uint8Array {
  const result = bytes.slice();
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
  return Uint8Array.from({ length }, (_, index) => result[index] ?? random.integer(256));
}

/** Makes a batch whole again as far as length and checksums say, so that what is inside gets read. */
function resealedBatch(bytes: Uint8Array): Uint8Array {
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

function resealedAck(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 7) return bytes;
  bytes.set([0x4d, 0x41, 1]);
  const end = bytes.length - 4;
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(end, crc32c(bytes.subarray(0, end)));
  return bytes;
}

type Decoder = 'decodePreamble' | 'decodeBatch' | 'decodeAck';
const DECODERS: Readonly<Record<Decoder, (bytes: Uint8Array) => unknown>> = { decodePreamble, decodeBatch, decodeAck };
/** What each may throw. */
const ALLOWED: Readonly<Record<Decoder, readonly ProtocolErrorCode[]>> = {
  decodePreamble: ['NOT_A_BATCH'],
  decodeBatch: ['NOT_A_BATCH', 'UNREADABLE', 'VERSION', 'BOUNDS', 'INVALID'],
  decodeAck: ['NOT_AN_ACK'],
};

it(`throws nothing but the protocol's errors, takes little memory and never long, over ${BUFFERS} damaged or random buffers`, {
  timeout: 240_000,
}, () => {
  const random = new SeededRandom(SEED);
  const batches = fc
    .sample(anyRecords, { seed: SEED, numRuns: 300 })
    .map((records) => encodeBatch({ ...NAME, records }));
  const acks = fc.sample(anyAck, { seed: SEED, numRuns: 100 }).map(encodeAck);
  const one = <T>(list: readonly T[]): T => list[random.integer(list.length)] as T;
  const outcomes = new Map<string, number>();
  const slow: number[] = [];

  /** The shortest of up to five runs: a slow decoder is slow each time, a busy machine is not. */
  const outcomeOf = (name: Decoder, bytes: Uint8Array): string => {
    let outcome = 'read';
    let shortestMs = Number.POSITIVE_INFINITY;
    for (let run = 0; run < 5 && shortestMs > DECODE_MS_MAX; run += 1) {
      const startMs = performance.now();
      try {
        DECODERS[name](bytes);
      } catch (error) {
        if (!(error instanceof ProtocolError) || !ALLOWED[name].includes(error.code)) throw error;
        outcome = error.code;
      }
      shortestMs = Math.min(shortestMs, performance.now() - startMs);
    }
    if (shortestMs > DECODE_MS_MAX) slow.push(shortestMs);
    return outcome;
  };

  const before = heldBytes();
  for (let count = 0; count < BUFFERS; count += 1) {
    const kind = count % 10;
    let bytes: Uint8Array;
    if (kind < 5) bytes = resealedBatch(mutated(one(batches), PREAMBLE_BYTES, random));
    else if (kind === 5) bytes = mutated(one(batches), 0, random);
    else if (kind === 6) bytes = resealedBatch(random.bytes(PREAMBLE_BYTES + 4 + random.integer(400)));
    else if (kind === 7) bytes = resealedAck(random.bytes(31 + random.integer(60)));
    else if (kind === 8) bytes = resealedAck(mutated(one(acks), 3, random));
    else bytes = random.bytes(random.integer(300));
    for (const name of Object.keys(DECODERS) as Decoder[]) {
      const outcome = `${name} ${outcomeOf(name, bytes)}`;
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
  }
  expect(heldBytes() - before).toBeLessThanOrEqual(GROWTH_BYTES_MAX);
  expect(slow).toEqual([]);
  // Every way to refuse was taken, and the decoders proper were reached and passed.
  for (const [name, codes] of Object.entries(ALLOWED)) {
    for (const outcome of ['read', ...codes]) {
      if (outcome !== 'VERSION')
        expect(outcomes.get(`${name} ${outcome}`) ?? 0, `${name} ${outcome}`).toBeGreaterThan(100);
    }
  }
});
