import { beforeEach, describe, expect, it } from 'vitest';
import { SteppedClock } from '../../sim/clock.ts';
import { GuardedCall } from './guarded-call.ts';

describe('a guarded call', () => {
  let clock: SteppedClock;
  let stopping: AbortController;
  let call: GuardedCall;
  beforeEach(() => {
    clock = new SteppedClock();
    stopping = new AbortController();
    call = new GuardedCall(clock, stopping.signal);
  });

  it('gives what the work gives, or throws', async () => {
    expect(await call.run('sample', 100, async () => await Promise.resolve(5))).toBe(5);
    const error = new Error('no');
    await expect(call.run('sample', 100, async () => await Promise.reject(error))).rejects.toBe(error);
    expect([call.isOut, clock.pendingTimers]).toEqual([false, 0]);
  });

  it('answers at the deadline, aborts the work, and remembers that it is out until it comes back', async () => {
    let comeBack = (): void => undefined;
    let signal: AbortSignal | undefined;
    const answer = call.run('open', 100, async (given) => {
      signal = given;
      await new Promise<void>((resolve) => {
        comeBack = resolve;
      });
    });
    const answered = expect(answer).rejects.toMatchObject({
      code: 'DEADLINE',
      context: { what: 'open', limitMs: 100 },
    });
    await clock.advance(99);
    expect([call.isOut, call.isOverdue, signal?.aborted]).toEqual([true, false, false]);
    await clock.advance(1);
    await answered;
    expect([call.isOut, call.isOverdue, signal?.aborted]).toEqual([true, true, true]);
    await expect(call.run('sample', 100, async () => await Promise.resolve())).rejects.toThrow('one call at a time');
    let hasReturned = false;
    const returned = call.returned().then(() => {
      hasReturned = true;
    });
    await clock.advance(1000);
    expect(hasReturned).toBe(false);
    comeBack();
    await returned;
    expect([call.isOut, call.isOverdue]).toEqual([false, false]);
  });

  it('answers at once when it is stopped, with the reason', async () => {
    const answer = call.run('readings', undefined, async () => await new Promise<never>(() => undefined));
    const reason = new Error('stop');
    stopping.abort(reason);
    await expect(answer).rejects.toBe(reason);
    await expect(call.run('open', 100, async () => await Promise.resolve())).rejects.toBe(reason);
  });

  it('lets go after the stop too', async () => {
    stopping.abort(new Error('stop'));
    expect(await call.runLast('close', 100, async () => await Promise.resolve('closed'))).toBe('closed');
  });
});
