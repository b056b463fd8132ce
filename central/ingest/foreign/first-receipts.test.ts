import { expect, test } from 'vitest';
import { FirstReceipts } from './first-receipts.ts';
import type { BrokerMessage } from './mqtt-session.ts';

const sent = (packetId: number | undefined, text: string, isRepeat = false): BrokerMessage => {
  return { topic: 'a/b', payload: Buffer.from(text), packetId, isRepeat, isRetained: false };
};

test('what a broker sends again has the time of its first receipt, and nothing else has', () => {
  const receipts = new FirstReceipts();
  expect(receipts.receivedAtMs(sent(1, 'x'), 10)).toBe(10);
  expect(receipts.receivedAtMs(sent(1, 'x', true), 20)).toBe(10);
  expect(receipts.receivedAtMs(sent(1, 'x', true), 30)).toBe(10);
  // A broker that uses its numbers again, another message, one of before the start, one that is not numbered.
  expect(receipts.receivedAtMs(sent(1, 'x'), 40)).toBe(40);
  expect(receipts.receivedAtMs(sent(1, 'y', true), 50)).toBe(50);
  expect(receipts.receivedAtMs(sent(2, 'y', true), 60)).toBe(60);
  expect(receipts.receivedAtMs(sent(undefined, 'y', true), 70)).toBe(70);
});

test('it remembers so many, and forgets the oldest first', () => {
  const receipts = new FirstReceipts();
  for (let number = 1; number <= 4097; number += 1) receipts.receivedAtMs(sent(number, 'x'), number);
  expect(receipts.receivedAtMs(sent(2, 'x', true), 9000)).toBe(2);
  expect(receipts.receivedAtMs(sent(1, 'x', true), 9000)).toBe(9000);
});
