import fc from 'fast-check';
import { expect, it } from 'vitest';
import { anyRecords } from '../../test/protocol/records.ts';
import { flatRecordOf } from '../flat-record.ts';
import { runIdOf } from '../ids.ts';
import { BOUNDS } from '../record.ts';
import { readBody, writeBody } from './body.ts';
import { JsonMeter } from './json-meter.ts';

const RUN = runIdOf('g', new Uint8Array(16));
const GATEWAY = 'g'.repeat(63);

it('counts at least the bytes that the records take as JSON lines, and the same when they are read', () => {
  let counted = 0;
  let actual = 0;
  fc.assert(
    fc.property(anyRecords, (records) => {
      const [writing, reading] = [new JsonMeter(), new JsonMeter()];
      readBody(writeBody(records, writing), reading);
      expect(reading.counted).toBe(writing.counted);
      const lines = records.map((record) =>
        JSON.stringify(flatRecordOf({ gateway: GATEWAY, run: RUN, record, receivedAtMs: BOUNDS.timestampMsMax })),
      );
      const bytes = Buffer.byteLength(`${lines.join('\n')}\n`);
      expect(writing.counted).toBeGreaterThanOrEqual(bytes);
      counted += writing.counted;
      actual += bytes;
    }),
    { numRuns: 1000 },
  );
  // A count far too high would refuse batches without need.
  expect(counted / actual).toBeLessThan(1.5);
});
