import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FrameFinder, type FrameForm } from './frame-finder.ts';

/** `7e 7e`, three bytes, their sum. */
const FORM: FrameForm = {
  begin: [0x7e, 0x7e],
  length: 6,
  isWhole: (frame) => frame[5] === (((frame[2] as number) + (frame[3] as number) + (frame[4] as number)) & 0xff),
};

function frameOf(a: number, b: number, c: number): Buffer {
  return Buffer.of(0x7e, 0x7e, a, b, c, (a + b + c) & 0xff);
}

test('a frame is found between garbage, one with a wrong checksum is not, and it is counted', () => {
  const finder = new FrameFinder(FORM);
  const damaged = frameOf(1, 2, 3);
  damaged[5] = 0;
  expect(finder.take(Buffer.concat([Buffer.from('noise'), frameOf(9, 8, 7), damaged, frameOf(4, 5, 6)]))).toEqual([
    frameOf(9, 8, 7),
    frameOf(4, 5, 6),
  ]);
  expect(finder.damaged).toBe(1);
});

test('a frame right behind a lost beginning is found', () => {
  const finder = new FrameFinder(FORM);
  expect(finder.take(Buffer.concat([frameOf(1, 2, 3).subarray(0, 3), frameOf(4, 5, 6)]))).toEqual([frameOf(4, 5, 6)]);
});

const frame = fc.tuple(fc.nat(0x7d), fc.nat(0x7d), fc.nat(0x7d)).map(([a, b, c]) => frameOf(a, b, c));
const noise = fc.uint8Array({ max: 0x7d, maxLength: 12 }).map((bytes) => Buffer.from(bytes));

test('however the bytes are cut, all frames between noise come out, in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(noise, frame), { maxLength: 8 }),
      fc.array(fc.nat(9), { maxLength: 30 }),
      (said, cuts) => {
        const whole = Buffer.concat(said.flat());
        const finder = new FrameFinder(FORM);
        const found: Buffer[] = [];
        let at = 0;
        for (const cut of cuts) {
          found.push(...finder.take(whole.subarray(at, at + cut)));
          at += cut;
        }
        found.push(...finder.take(whole.subarray(at)));
        expect(found).toEqual(said.map(([, each]) => each));
      },
    ),
  );
});

test('a beginning is counted once, however its frame comes, and whether it is whole or torn; other bytes are none', () => {
  const finder = new FrameFinder(FORM);
  const counts = [frameOf(1, 2, 3), frameOf(1, 2, 3).subarray(0, 5), Buffer.of(0), frameOf(4, 5, 6)].flatMap((said) =>
    [...said].map((byte) => {
      finder.take(Uint8Array.of(byte));
      return finder.begun;
    }),
  );
  // The last is seen when the torn one before it has proved to be none.
  expect(counts).toEqual([0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3]);
  expect(finder.take(Buffer.of(0, 0x7e, 0, 0x55))).toEqual([]);
  expect(finder.begun).toBe(3);
});

test('noise without end is not kept', () => {
  const finder = new FrameFinder(FORM);
  for (let turn = 0; turn < 1000; turn += 1) expect(finder.take(Buffer.alloc(100, 0x55))).toEqual([]);
  expect(finder.take(Buffer.alloc(100, 0x7e))).toEqual([]);
});
