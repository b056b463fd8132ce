import { expect, test } from 'vitest';
import { foreignLetterLine } from './foreign-letters.ts';

const part = (text: string) => ({ code: 'invalid_record', reason: 'is no number', text }) as const;

function lineOf(bytes: Uint8Array, parts = [part('x')]): Record<string, unknown> {
  const letter = { source: 'city', topic: undefined, receivedAtMs: 0, refused: parts };
  return JSON.parse(foreignLetterLine({ ...letter, bytes })) as Record<string, unknown>;
}

test('the same message makes the same letter, with the hash of all of it', () => {
  const bytes = Buffer.from('λ | 2020-01-01 | x');
  expect(lineOf(bytes)).toEqual({
    reason: 'is no number',
    code: 'invalid_record',
    source: 'city',
    received_at: '1970-01-01T00:00:00.000Z',
    bytes: bytes.length,
    sha256: '50cf11e94f944ac65ace3789e5d3bd73c54953158a62276a2785b5c94f6b5ae8',
    parts: [part('x')],
    message: 'λ | 2020-01-01 | x',
  });
});

test('a message of control characters grows no larger than it is in base64', () => {
  const bytes = Buffer.alloc(3000, 1);
  expect(lineOf(bytes).message_base64).toBe(bytes.toString('base64'));
});

test('of a message of thousands of bad lines some are told one by one, and all stand in it', () => {
  const parts = Array.from({ length: 1000 }, (_, index) => part(`line ${index}`));
  const line = lineOf(Buffer.from('all of them'), parts);
  expect(line).toMatchObject({ reason: 'is no number, and 999 more', message: 'all of them' });
  expect(line.parts).toHaveLength(32);
});
