import assert from 'node:assert/strict';
import { deflateSync } from 'node:zlib';
import { BatchSize } from '../daemon/forward/batch-size.ts';
import { decodeBatch, encodeBatch } from '../protocol/batch-codec.ts';
import { flatRecordOf } from '../protocol/flat-record.ts';
import { runIdOf, SALT_BYTES } from '../protocol/ids.ts';
import { BOUNDS, type SequencedRecord } from '../protocol/record.ts';
import { encodeFrame, messageBytesMax } from '../protocol/udp/frames.ts';
import { seal, sealKey } from '../protocol/udp/seal.ts';
import { SeededRandom } from '../runtime/random.ts';
import { conditionalEntropyBits } from '../sim/station/city-entropy.ts';
import { cityRecords } from './city-records.ts';
import type { Benchmark, Figure, Goal } from './figure.ts';

const SEED = 7;
const RECORDS = 36_000;
const BATCHES = [1, 10, 60, 300] as const;
/** With 60 records a batch: a minute of a station. */
const GOAL: { readonly records: number; readonly goal: Goal } = { records: 60, goal: { atMost: 1.3 } };
const GATEWAY = 'bench';
const TOKEN_BYTES = 8;
/** zlib's best. */
const DEFLATE_LEVEL = 9;
/** Of IPv4 and of UDP, before each datagram. */
const IP_AND_UDP_BYTES = 28;

const random = new SeededRandom(SEED);
const salt = random.bytes(SALT_BYTES);
const run = runIdOf(GATEWAY, salt);

function batchesOf(records: readonly SequencedRecord[], size: number): SequencedRecord[][] {
  return Array.from({ length: records.length / size }, (_, batch) => records.slice(batch * size, (batch + 1) * size));
}

function jsonOf(record: SequencedRecord): string {
  return JSON.stringify(flatRecordOf({ gateway: GATEWAY, run, record }));
}

function ndjsonOf(records: readonly SequencedRecord[]): string {
  return records.map((record) => `${jsonOf(record)}\n`).join('');
}

/** The whole payload of each batch, all together, in bytes. Each must come out of it as it went in. */
function encodedBytes(batches: readonly SequencedRecord[][]): number {
  let bytes = 0;
  for (const [index, records] of batches.entries()) {
    const payload = encodeBatch({ salt, batch: index + 1, token: random.bytes(TOKEN_BYTES), records });
    assert.deepEqual(decodeBatch(payload).records, records);
    bytes += payload.length;
  }
  return bytes;
}

/** The same records as the gateway parts them for UDP, a batch a datagram: the batches alone, and with all that is around them. */
function datagramBytes(records: readonly SequencedRecord[]): { readonly batches: number; readonly datagrams: number } {
  const bytesMax = messageBytesMax(GATEWAY);
  const size = new BatchSize({ recordsMax: BOUNDS.recordsPerBatch, bytesMax });
  const header = { direction: 'up', gateway: GATEWAY, salt } as const;
  const key = sealKey(random.bytes(32), header);
  const sum = { batches: 0, datagrams: 0 };
  let counter = 0;
  for (let from = 0; from < records.length; ) {
    const some = records.slice(from, from + size.recordsOf('backlog'));
    const payload = encodeBatch({ salt, batch: counter + 1, token: random.bytes(TOKEN_BYTES), records: some });
    size.encoded('backlog', some.length, payload.length);
    if (payload.length > bytesMax) continue;
    counter += 1;
    const frame = encodeFrame({ kind: 'carriage', message: { number: counter, back: 0, bytes: payload } });
    sum.batches += payload.length;
    sum.datagrams += IP_AND_UDP_BYTES + seal(key, { ...header, counter }, frame).length;
    from += some.length;
  }
  return sum;
}

/** What a nine-metric record takes on the wire, beside the entropy of what makes it. */
export const batchBytes: Benchmark = {
  name: 'bytes',
  about: [
    `Bytes of a nine-metric record on the wire: the whole MQTT payload (header, ids, flags, times) of ${RECORDS} records`,
    `of \`sim city\`, seed ${SEED}, 1 s apart, at the registry's resolution, in batches of ${BATCHES.join(', ')}.`,
    'Limit: Σ over the nine metrics of log2(σ_innovation · √(2πe) / resolution) bits, the entropy of the generator given',
    'its past; for the two folded metrics the same of |x|, integrated numerically. JSON: the record as consumers see it.',
  ],
  run() {
    const records = cityRecords(SEED, RECORDS);
    const limit = conditionalEntropyBits().reduce((sum, { bits }) => sum + bits, 0) / 8;
    const unit = 'bytes/record';
    const figures: Figure[] = [{ name: 'bytes/bound', value: limit, unit }];
    const jsonBytes = records.reduce((sum, record) => sum + jsonOf(record).length, 0);
    figures.push({ name: 'bytes/json', value: jsonBytes / RECORDS, unit, limit });
    for (const size of BATCHES) {
      const batches = batchesOf(records, size);
      const deflated = batches.reduce(
        (sum, batch) => sum + deflateSync(ndjsonOf(batch), { level: DEFLATE_LEVEL }).length,
        0,
      );
      const goal = size === GOAL.records ? { goal: GOAL.goal } : {};
      figures.push(
        { name: `bytes/batches-of-${size}`, value: encodedBytes(batches) / RECORDS, unit, limit, ...goal },
        { name: `bytes/ndjson-deflate-of-${size}`, value: deflated / RECORDS, unit, limit },
      );
    }
    const { batches, datagrams } = datagramBytes(records);
    figures.push(
      { name: 'bytes/udp-batches', value: batches / RECORDS, unit, limit },
      { name: 'bytes/udp-datagrams', value: datagrams / RECORDS, unit, limit: batches / RECORDS },
    );
    return Promise.resolve(figures);
  },
};
