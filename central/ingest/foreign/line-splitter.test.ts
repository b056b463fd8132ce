import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineSplitter } from './line-splitter.ts';

function splitInto(chunks: readonly (string | Uint8Array)[], bytesMax = 8): { lines: string[]; tooLong: number } {
  const lines: string[] = [];
  let tooLong = 0;
  const splitter = new LineSplitter(
    bytesMax,
    (line) => lines.push(Buffer.from(line).toString('latin1')),
    () => {
      tooLong += 1;
    },
  );
  for (const chunk of chunks) splitter.push(Buffer.from(chunk));
  splitter.end();
  return { lines, tooLong };
}

test('a line ends with LF or CR LF, or with the end of all; empty ones are none', () => {
  expect(splitInto(['one\ntwo\r\n\r\n\n', 'thr', 'ee\r', '\nfour'])).toEqual({
    lines: ['one', 'two', 'three', 'four'],
    tooLong: 0,
  });
});

test('a line that is too long is passed by whole, once, and costs no other', () => {
  expect(splitInto(['12345678\n123456789\n', 'x'.repeat(100), 'y'.repeat(100), '\nend\n12345678\r\n'])).toEqual({
    lines: ['12345678', 'end', '12345678'],
    tooLong: 2,
  });
});

test('it is the same wherever the bytes are cut', () => {
  const bytes = fc.uint8Array({ maxLength: 80 }).map((all) => all.map((byte) => (byte % 5 === 0 ? 10 : byte)));
  fc.assert(
    fc.property(bytes, fc.array(fc.nat(80), { maxLength: 8 }), (all, cuts) => {
      const at = [0, ...cuts.filter((cut) => cut <= all.length).sort((a, b) => a - b), all.length];
      const chunks = at.slice(1).map((end, index) => all.subarray(at[index], end));
      expect(splitInto(chunks)).toEqual(splitInto([all]));
    }),
  );
});
