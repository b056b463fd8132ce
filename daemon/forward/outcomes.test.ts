import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { MooringError } from '../../runtime/errors.ts';
import { silentLog } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { MemoryStore } from '../../sim/memory-store.ts';
import { Outcomes } from './outcomes.ts';

test('a store that takes no outcomes for long is asked again and again, and nothing piles up', async () => {
  const sleeping = new Set<AbortSignal>();
  const clock = new (class extends SteppedClock {
    override sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
      if (signal !== undefined) sleeping.add(signal);
      return super.sleep(durationMs, signal);
    }
  })();
  const random = new SeededRandom(1);
  const salt = random.bytes(16);
  const store = new MemoryStore({ gateway: 'plaka', salt, clock });
  store.failure = new MooringError('STORE_FAILED', 'the disk is gone');
  const onDone = (): void => undefined;
  const outcomes = new Outcomes({ forwarder: 'centre', store, clock, random, log: silentLog, onDone });
  outcomes.add({ verb: 'settle' }, salt, [[1, 1]]);
  await clock.advance(3_600_000);
  expect(store.calls.length).toBeGreaterThan(100);
  expect([...sleeping].map((signal) => getEventListeners(signal, 'abort').length)).toEqual([1]);
  await outcomes.flush();
  await clock.advance(0);
  expect(clock.pendingTimers).toBe(0);
});
