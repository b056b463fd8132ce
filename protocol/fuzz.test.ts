import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../runtime/random.ts';
import { anyAck } from '../test/protocol/acks.ts';
import { mutated, resealedBatch } from '../test/protocol/damage.ts';
import { anyRecords } from '../test/protocol/records.ts';
import { decodeAck, encodeAck } from './ack-codec.ts';
import { decodeBatch, decodePreamble, encodeBatch } from './batch-codec.ts';
import { crc32c } from './codec/crc32c.ts';
import { PREAMBLE_BYTES } from './codec/preamble.ts';
import { ProtocolError, type ProtocolErrorCode } from './errors.ts';
import { BOUNDS, type SequencedRecord } from './record.ts';

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

/** What a decoder makes of a buffer, and the CPU time that it takes: the least of up to five runs, if it is slow at first. */
function outcomeOf(name: Decoder, bytes: Uint8Array): { outcome: 'read' | ProtocolErrorCode; ms: number } {
  let outcome: 'read' | ProtocolErrorCode = 'read';
  let ms = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 5 && ms > DECODE_MS_MAX; run += 1) {
    const start = process.threadCpuUsage();
    try {
      DECODERS[name](bytes);
    } catch (error) {
      if (!(error instanceof ProtocolError) || !ALLOWED[name].includes(error.code)) throw error;
      outcome = error.code;
    }
    const { user, system } = process.threadCpuUsage(start);
    ms = Math.min(ms, (user + system) / 1000);
  }
  return { outcome, ms };
}

/** Damaged and random buffers in fixed shares, most of them whole as far as their checksums say. */
function* buffers(count: number): Generator<Uint8Array> {
  const random = new SeededRandom(SEED);
  const samples = fc.sample(anyRecords, { seed: SEED, numRuns: 300 });
  const batches = samples.map((records) => encodeBatch({ ...NAME, records }));
  const acks = fc.sample(anyAck, { seed: SEED, numRuns: 100 }).map(encodeAck);
  const one = <T>(list: readonly T[]): T => list[random.integer(list.length)] as T;
  for (let index = 0; index < count; index += 1) {
    const share = index % 10;
    if (share < 5) yield resealedBatch(mutated(one(batches), PREAMBLE_BYTES, random));
    else if (share === 5) yield mutated(one(batches), 0, random);
    else if (share === 6) yield resealedBatch(random.bytes(PREAMBLE_BYTES + 4 + random.integer(400)));
    else if (share === 7) yield resealedAck(random.bytes(31 + random.integer(60)));
    else if (share === 8) yield resealedAck(mutated(one(acks), 3, random));
    else yield random.bytes(random.integer(300));
  }
}

describe('decoding', () => {
  it(`throws nothing but the protocol's errors over ${BUFFERS} damaged or random buffers, in little memory and time`, {
    timeout: 240_000,
  }, () => {
    const outcomes = new Map<string, number>();
    const slow: number[] = [];
    const before = heldBytes();
    for (const bytes of buffers(BUFFERS)) {
      for (const name of Object.keys(DECODERS) as Decoder[]) {
        const { outcome, ms } = outcomeOf(name, bytes);
        outcomes.set(`${name} ${outcome}`, (outcomes.get(`${name} ${outcome}`) ?? 0) + 1);
        if (ms > DECODE_MS_MAX) slow.push(ms);
      }
    }
    expect(heldBytes() - before).toBeLessThanOrEqual(GROWTH_BYTES_MAX);
    expect(slow).toEqual([]);
    // Every way to refuse was taken, and the decoders proper were reached and passed.
    for (const [name, codes] of Object.entries(ALLOWED)) {
      for (const outcome of ['read', ...codes].filter((code) => code !== 'VERSION')) {
        expect(outcomes.get(`${name} ${outcome}`) ?? 0, `${name} ${outcome}`).toBeGreaterThan(100);
      }
    }
  });

  const wide = Object.fromEntries(Array.from({ length: 256 }, (_, index) => [`m${index}`, 1]));
  const sixteen = (row: number): Record<string, number> =>
    Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`m${index}`, ((row * 7919) % 997) / 10 + index]));

  it.each<[string, () => Uint8Array]>([
    [
      '256 metrics and 1,024 records, nearly all empty',
      () => largest(1024, (row) => ({ metrics: row === 0 ? wide : {} })),
    ],
    ['16 metrics of 1,024 records', () => largest(1024, (row) => ({ metrics: sixteen(row) }))],
    ['1,024 stations', () => largest(1024, (row) => ({ station: `s${row}`, metrics: {} }))],
    ['info of empty lists', () => largest(1, () => ({ info: { a: new Array(120_000).fill([]) } }))],
    ['info of empty objects', () => largest(1, () => ({ info: { a: new Array(120_000).fill({}) } }))],
    ['info of nulls', () => largest(1, () => ({ info: { a: new Array(87_000).fill(null) } }))],
    [
      'info of new texts',
      () => largest(1, () => ({ info: { a: Array.from({ length: 12_000 }, (_, index) => `${index}`) } })),
    ],
    [
      'info of new keys',
      () =>
        largest(1, () => ({
          info: Object.fromEntries(Array.from({ length: 6000 }, (_, index) => [`k${index}`, 0])),
        })),
    ],
    ['nothing but zeros', () => resealedBatch(new Uint8Array(BOUNDS.batchBytes - 1))],
    ['nothing but ones', () => resealedBatch(new Uint8Array(BOUNDS.batchBytes - 1).fill(255))],
    ['alternating bits', () => resealedBatch(new Uint8Array(BOUNDS.batchBytes - 1).fill(0b10101010))],
  ])('takes no longer and no more for %s', (_, build) => {
    const bytes = build();
    const before = heldBytes();
    const { ms } = outcomeOf('decodeBatch', bytes);
    expect(ms).toBeLessThanOrEqual(DECODE_MS_MAX);
    expect(heldBytes() - before).toBeLessThanOrEqual(GROWTH_BYTES_MAX);
  });
});

/** A batch of as much as the bounds allow of something. */
function largest(count: number, of: (row: number) => Partial<SequencedRecord>): Uint8Array {
  const records = Array.from({ length: count }, (_, row): SequencedRecord => {
    const empty = { station: 'city-1', kind: 'sample', clock: 'synced', metrics: {}, flags: {} } as const;
    return { ...empty, sequence: row + 1, timestampMs: 1000 * row, ...of(row) };
  });
  return encodeBatch({ ...NAME, records });
}
