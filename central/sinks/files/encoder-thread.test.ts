import { expect, test } from 'vitest';
import { flatOf, runOf, span } from '../../../test/conformance/entries.ts';
import { foreignOf } from '../../../test/conformance/remote-records.ts';
import { parquetRecords } from '../../../test/parquet-records.ts';
import { EncoderThread } from './encoder-thread.ts';
import { OwnThreadEncoder } from './lines-encoder.ts';

const textOf = (flats: readonly object[]): Uint8Array =>
  Buffer.from(flats.map((flat) => JSON.stringify(flat)).join('\n'));

test('a thread of its own makes the file that this one makes, of every part in turn', async () => {
  const parts = [span(1, 4000).map((sequence) => flatOf(runOf(1), sequence)), span(1, 3000).map(foreignOf)];
  const encoders = [new EncoderThread(), new OwnThreadEncoder()];
  const files: Uint8Array[] = [];
  for (const encoder of encoders) {
    for (const part of parts) await encoder.add(textOf(part));
    files.push(await encoder.finish());
    await encoder.end();
  }
  const [aside, own] = files as [Uint8Array, Uint8Array];
  expect(Buffer.compare(aside, own)).toBe(0);
  expect(await parquetRecords(aside)).toEqual(parts.flat());
});

test('what is no record is an error that names it, and the thread is gone then, as it is after its end', async () => {
  const encoder = new EncoderThread();
  await expect(encoder.add(Buffer.from('{"id":'))).rejects.toMatchObject({
    code: 'SINK_FAILED',
    cause: { message: expect.stringContaining('JSON') },
  });
  await expect(encoder.finish()).rejects.toMatchObject({ code: 'SINK_FAILED' });
  await encoder.end();
  const ended = new EncoderThread();
  await ended.end();
  await expect(ended.add(textOf([flatOf(runOf(1), 1)]))).rejects.toMatchObject({ code: 'SINK_FAILED' });
});
