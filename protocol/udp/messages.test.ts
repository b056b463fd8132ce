/** The two halves of reliable delivery, without seals and sessions. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DelayWindow } from './delay-window.ts';
import { NUMBERS_SPREAD_MAX, type NumberedMessage, type Receipts } from './frames.ts';
import { MessageReceiver } from './message-receiver.ts';
import { MessageSender } from './message-sender.ts';
import { RoundTrip } from './round-trip.ts';

const BYTES = new Uint8Array(100);
const NO_BITS = new Uint8Array(0);

function senderOf(count: number): MessageSender {
  const sender = new MessageSender({ firstNumber: 1 });
  for (let number = 1; number <= count; number += 1) expect(sender.add(BYTES, 0)).toBe(number);
  return sender;
}

function allAt(sender: MessageSender, nowMs: number): number[] {
  const numbers: number[] = [];
  for (let next = sender.next(nowMs); next !== undefined; next = sender.next(nowMs)) numbers.push(next.number);
  return numbers;
}

describe('messages', () => {
  it('that are urgent go before all others, also where they have to go again', () => {
    const sender = senderOf(20);
    expect(allAt(sender, 0)).toHaveLength(8);
    for (const number of [21, 22]) expect(sender.add(BYTES, 1, { isUrgent: true })).toBe(number);
    expect(sender.receive({ upTo: 2, bitmap: NO_BITS }, 100)).toEqual([1, 2]);
    const [first, second] = [sender.next(100)?.number, sender.next(200)?.number];
    expect([first, second]).toEqual([21, 22]);
    sender.restart(300);
    expect([sender.next(300)?.number, sender.next(300)?.number]).toEqual([21, 22]);
  });

  it('are delivered once each and all taken, whatever is lost, doubled and swapped on the way', () => {
    const fates = fc.array(fc.constantFrom('arrives', 'arrives', 'lost', 'late', 'twice'), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(fates, fc.integer({ min: 1, max: 80 }), (chances, count) => {
        const sender = senderOf(count);
        const receiver = new MessageReceiver();
        const delivered: number[] = [];
        const taken: number[] = [];
        const late: (() => void)[] = [];
        let at = 0;
        let nowMs = 0;
        const carry = (arrive: () => void): void => {
          // In the end the way is well, or nothing would have to come.
          const fate = at < 300 ? chances[at % chances.length] : 'arrives';
          at += 1;
          if (fate === 'late') late.push(arrive);
          else if (fate !== 'lost') arrive();
          if (fate === 'twice') arrive();
        };
        const take = (message: NumberedMessage): void => {
          if (receiver.take(message, nowMs) === 'new') delivered.push(message.number);
        };
        const told = (receipts: Receipts): void => {
          taken.push(...sender.receive(receipts, nowMs));
        };
        for (let step = 0; step < 2000 && sender.pending > 0; step += 1) {
          nowMs = Math.max(nowMs, Math.min(sender.nextDueMs(), receiver.receiptDueMs));
          for (let next = sender.next(nowMs); next !== undefined; next = sender.next(nowMs)) {
            const message = next;
            carry(() => take(message));
          }
          if (receiver.receiptDueMs <= nowMs) {
            const receipts = receiver.receipts(128);
            carry(() => told(receipts));
          }
          if (step % 3 === 0) for (const arrive of late.splice(0)) arrive();
        }
        for (const arrive of late.splice(0)) arrive();
        const every = Array.from({ length: count }, (_, index) => index + 1);
        expect(delivered.toSorted((one, other) => one - other)).toEqual(every);
        expect(taken.toSorted((one, other) => one - other)).toEqual(every);
      }),
      { numRuns: 300 },
    );
  });

  it('that others have overtaken are sent again after a trip, long before a time-out', () => {
    const sender = senderOf(4);
    sender.learnTrip(100);
    const [first, ...rest] = [0, 30, 60, 90].flatMap((nowMs) => allAt(sender, nowMs));
    expect([first, ...rest]).toEqual([1, 2, 3, 4]);
    // The first bit is the number after `upTo`: 1 is missing.
    expect(sender.receive({ upTo: 0, bitmap: Uint8Array.of(0b01110000) }, 190)).toEqual([2, 3, 4]);
    const dueMs = sender.nextDueMs();
    expect(dueMs).toBeLessThan(sender.timeoutMs);
    expect(allAt(sender, dueMs)).toEqual([1]);
    expect(sender.retransmitted).toBe(1);
  });

  it('are asked after with the two oldest when nothing comes, each time after twice the time', () => {
    const sender = senderOf(3);
    sender.learnTrip(100);
    let nowMs = 0;
    while (allAt(sender, nowMs).at(-1) !== 3) nowMs = sender.nextDueMs();
    const probes: [number, number[]][] = [];
    for (let time = 0; time < 4; time += 1) {
      const dueMs = sender.nextDueMs();
      const numbers = allAt(sender, dueMs);
      while (numbers.length < 2) numbers.push(...allAt(sender, sender.nextDueMs()));
      probes.push([dueMs, numbers]);
    }
    expect(probes.map(([, numbers]) => numbers)).toEqual([
      [1, 2],
      [3, 1],
      [2, 3],
      [1, 2],
    ]);
    const waits = probes.slice(1).map(([dueMs], index) => dueMs - (probes[index] as [number, number[]])[0]);
    expect(waits.map((waitMs) => Math.round(waitMs / 100))).toEqual([6, 12, 24]);
  });

  it('that are forgotten leave no hole: the receiver goes on behind them', () => {
    const sender = senderOf(3);
    sender.forget(1);
    sender.forget(2);
    const message = sender.next(0) as NumberedMessage;
    expect(message).toMatchObject({ number: 3, back: 0 });
    const receiver = new MessageReceiver();
    expect(receiver.take(message, 0)).toBe('new');
    expect(receiver.receipts(128)).toEqual({ upTo: 3, bitmap: NO_BITS });
  });

  it('wait in bounded number, and no receiver keeps more', () => {
    const sender = senderOf(NUMBERS_SPREAD_MAX);
    expect(sender.canSend).toBe(false);
    allAt(sender, 0);
    expect(sender.receive({ upTo: 1, bitmap: NO_BITS }, 10)).toEqual([1]);
    expect(sender.canSend).toBe(true);
    const receiver = new MessageReceiver();
    const from = (number: number): NumberedMessage => ({ number, back: Math.min(number - 1, 1023), bytes: BYTES });
    expect(receiver.take(from(NUMBERS_SPREAD_MAX), 0)).toBe('new');
    expect(receiver.take({ number: NUMBERS_SPREAD_MAX + 1, back: 0, bytes: BYTES }, 0)).toBe('new');
    expect(receiver.take({ ...from(NUMBERS_SPREAD_MAX), back: 0 }, 0)).toBe('duplicate');
  });

  it('are taken by no receipt for what was never sent', () => {
    const sender = senderOf(20);
    const sent = allAt(sender, 0);
    expect(sent.length).toBeLessThan(20);
    expect(sender.receive({ upTo: 1000, bitmap: NO_BITS }, 1)).toEqual(sent);
    expect(sender.pending).toBe(20 - sent.length);
  });
});

describe('receipts', () => {
  it('wait for 25 ms, or for a second message', () => {
    const receiver = new MessageReceiver();
    expect(receiver.receiptDueMs).toBe(Number.POSITIVE_INFINITY);
    receiver.take({ number: 1, back: 0, bytes: BYTES }, 100);
    expect(receiver.receiptDueMs).toBe(125);
    receiver.take({ number: 3, back: 2, bytes: BYTES }, 110);
    expect(receiver.receiptDueMs).toBe(110);
    expect(receiver.receipts(128)).toEqual({ upTo: 1, bitmap: Uint8Array.of(0b01000000) });
    expect(receiver.receiptDueMs).toBe(Number.POSITIVE_INFINITY);
  });

  it('that have no room beside a message stay owed', () => {
    const receiver = new MessageReceiver();
    receiver.take({ number: 1, back: 0, bytes: BYTES }, 0);
    receiver.take({ number: 100, back: 99, bytes: BYTES }, 0);
    expect(receiver.receipts(2)).toEqual({ upTo: 1, bitmap: NO_BITS });
    expect(receiver.receiptDueMs).toBe(0);
    expect(receiver.receipts(128).bitmap).toHaveLength(13);
    expect(receiver.receiptDueMs).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('the round trip', () => {
  it('is estimated as RFC 6298 says, and a time-out stays doubled until the next sample', () => {
    const trip = new RoundTrip();
    expect(trip.timeoutMs).toBe(1000);
    trip.sample(200);
    expect(trip.timeoutMs).toBe(200 + 4 * 100);
    trip.sample(280);
    expect(trip.smoothedMs).toBe(210);
    expect(trip.deviationMs).toBe(100 + (80 - 100) / 4);
    const { timeoutMs } = trip;
    trip.backOff();
    trip.backOff();
    trip.answered();
    expect(trip.timeoutMs).toBe(4 * timeoutMs);
    trip.sample(210);
    expect(trip.timeoutMs).toBeLessThan(timeoutMs);
  });
});

describe('the window', () => {
  const STILL = { smoothedMs: 100, deviationMs: 0 };

  /** What the window is after so many rounds of one trip each. */
  function windowAfter(rounds: number, tripMs: (round: number) => number, lost = 0): number {
    const window = new DelayWindow();
    for (let round = 0; round < rounds; round += 1) {
      const nowMs = 101 * round;
      window.sent(1100, window.size, 100, nowMs);
      window.lost(lost);
      window.taken(window.size, tripMs(round), STILL, nowMs);
    }
    return window.size;
  }

  it('grows to its bound while trips stay short, also when a third is lost', () => {
    expect(windowAfter(12, () => 100)).toBe(256);
    expect(windowAfter(12, () => 100, 4)).toBe(256);
  });

  it('shrinks to what the way holds when trips grow, and to no less than two', () => {
    const queued = windowAfter(40, (round) => (round < 8 ? 100 : 400));
    expect(queued).toBeLessThan(16);
    expect(queued).toBeGreaterThanOrEqual(2);
    const silent = new DelayWindow();
    for (let time = 0; time < 20; time += 1) silent.silent();
    expect(silent.size).toBe(2);
  });

  it('keeps sixteen full datagrams under way where trips are longer by what a busy process explains, and no more', () => {
    const busy = windowAfter(60, (round) => (round < 2 ? 2 : 50));
    expect(busy).toBeGreaterThanOrEqual(14);
    expect(busy).toBeLessThan(20);
    expect(windowAfter(60, (round) => (round < 2 ? 2 : 70))).toBeLessThan(6);
  });

  /** How many go at once after a rest, with a trip of 100 ms. */
  function burstOf(window: DelayWindow): number {
    let count = 0;
    for (; window.nextSendMs <= 1e6; count += 1) window.sent(1100, count + 1, 100, 1e6);
    return count;
  }

  it('spreads what it lets go over a trip, but for a quarter of it after a rest, and ten at the most', () => {
    expect(burstOf(new DelayWindow())).toBe(1 + 8 / 4);
    const wide = new DelayWindow();
    for (let round = 0; round < 12; round += 1) {
      wide.sent(1100, wide.size, 100, 101 * round);
      wide.taken(wide.size, 100, STILL, 101 * round);
    }
    expect(burstOf(wide)).toBe(1 + 10);
  });
});
