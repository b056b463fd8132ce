import assert from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { MooringError } from '../../../runtime/errors.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { asking, type FindingOf, isUnknownTopic, kafkaFailure } from './failure.ts';

const findingOf: FindingOf = (error) => {
  const { number } = error as { number?: number };
  return number === undefined ? undefined : { brokerCode: number, reason: error.message };
};
const answered = (number: number, reason: string): Error => Object.assign(new Error(reason), { number });
const failureOf = (error: unknown): MooringError => kafkaFailure('it failed', error, findingOf);

describe('what fails with Kafka', () => {
  test.for([
    [10, 'LOG_REFUSED'],
    [18, 'LOG_REFUSED'],
    [32, 'LOG_REFUSED'],
    [87, 'LOG_REFUSED'],
    [1, 'LOG_EXPIRED'],
    [29, 'LOG_UNFIT'],
    [35, 'LOG_UNFIT'],
    [58, 'LOG_UNFIT'],
    [5, 'LOG_FAILED'],
    [19, 'LOG_FAILED'],
    [38, 'LOG_FAILED'],
    [45, 'LOG_FAILED'],
    [-1, 'LOG_FAILED'],
  ] as const)("the broker's error %d is %s", ([number, code]) => {
    expect(failureOf(answered(number, 'word'))).toMatchObject({ code, context: { reason: 'word' } });
  });

  test('the reason is found beneath wrappers, and the one that lasts counts among several', () => {
    const several = new AggregateError([answered(7, 'request_timed_out'), answered(10, 'message_too_large')], 'both');
    const found = failureOf(new Error('outer', { cause: several }));
    expect(found).toMatchObject({ code: 'LOG_REFUSED', context: { reason: 'message_too_large' } });
    expect(found.cause).toBeInstanceOf(Error);
  });

  test('a topic that is not there has one name, by whichever number', () => {
    for (const number of [3, 100]) {
      const found = failureOf(new AggregateError([answered(number, 'whatever'), answered(7, 'timeout')]));
      expect(found).toMatchObject({ code: 'LOG_FAILED', context: { reason: 'unknown_topic' } });
      expect(isUnknownTopic(found)).toBe(true);
    }
    expect(isUnknownTopic(failureOf(answered(7, 'timeout')))).toBe(false);
  });

  test('what nobody knows may pass by itself, and what is ours already stays as it is', () => {
    expect(failureOf('a string')).toMatchObject({ code: 'LOG_FAILED', context: { reason: 'unknown' } });
    const ours = new MooringError('LOG_UNFIT', 'ours');
    expect(failureOf(ours)).toBe(ours);
  });

  test('an error that is its own cause is read once', () => {
    const error = new Error('round');
    error.cause = error;
    expect(failureOf(error).code).toBe('LOG_FAILED');
  });
});

describe('a call of a package', () => {
  test('one that never settles fails in time, and what it does later is nobody’s', async () => {
    const clock = new SteppedClock();
    const ask = asking(clock, findingOf);
    const { promise, reject } = Promise.withResolvers<void>();
    const outcome = ask('no answer', 5000, () => promise).catch((error: unknown) => error);
    await clock.advance(4999);
    const early = await Promise.race([outcome, Promise.resolve('waits')]);
    expect(early).toBe('waits');
    await clock.advance(1);
    expect(await outcome).toMatchObject({ code: 'LOG_FAILED', context: { reason: 'deadline', withinMs: 5000 } });
    reject(new Error('late'));
    await clock.advance(1);
  });

  test('one that throws at once fails as one that rejects', async () => {
    const ask = asking(new SteppedClock(), findingOf);
    const thrown = ask('refused', 1, () => {
      throw answered(10, 'message_too_large');
    });
    await expect(thrown).rejects.toMatchObject({ code: 'LOG_REFUSED', message: 'refused' });
    assert.equal(await ask('taken', 1, async () => 7), 7);
  });
});
