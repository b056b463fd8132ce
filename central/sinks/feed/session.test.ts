import { beforeEach, expect, test } from 'vitest';
import { MooringError } from '../../../runtime/errors.ts';
import { span } from '../../../test/conformance/entries.ts';
import { SessionStage } from '../../../test/session-stage.ts';

let stage: SessionStage;
beforeEach(async () => {
  stage = new SessionStage();
  await stage.begin();
});

test('what came during a write goes into the next, all partitions together, and one write follows the other', async () => {
  stage.consumer.give(0, 0, 1);
  await stage.clock.advance(0);
  stage.consumer.give(0, 2, 3);
  stage.consumer.give(1, 0, 0);
  await stage.clock.advance(5000);
  expect(stage.target.writes).toHaveLength(1);
  stage.target.finish();
  await stage.clock.advance(0);
  expect(stage.target.writes.slice(1)).toEqual([{ items: ['2', '3', '0'], offsets: { 0: 4, 1: 1 } }]);
  await stage.end();
});

test('a partition pauses when more waits than there is room for, and resumes when half of that is free', async () => {
  stage.consumer.give(0, 0, 9, 500);
  expect(stage.consumer.calls).toEqual(['open']);
  stage.consumer.give(1, 0, 9, 500);
  expect(stage.consumer.calls).toEqual(['open', 'pause 1']);
  await stage.clock.advance(0);
  stage.consumer.give(0, 10, 10, 500);
  expect(stage.consumer.calls).toEqual(['open', 'pause 1', 'pause 0']);
  stage.target.finish();
  await stage.clock.advance(0);
  expect(stage.consumer.calls).toEqual(['open', 'pause 1', 'pause 0', 'resume 1', 'resume 0']);
  await stage.end();
});

test('what is not written of a partition that is taken away is forgotten, also between two tries', async () => {
  stage.consumer.give(0, 0, 4);
  stage.consumer.give(1, 0, 4);
  await stage.clock.advance(0);
  stage.consumer.give(0, 5, 9);
  stage.consumer.events.onRevoked([0]);
  stage.consumer.give(0, 10, 12);
  stage.target.finish(new MooringError('SINK_FAILED', 'full'));
  await stage.clock.advance(60_000);
  expect(stage.target.writes.map(({ offsets }) => offsets)).toEqual([{ 0: 5, 1: 5 }, { 1: 5 }]);
  stage.target.finish();
  await stage.clock.advance(1000);
  expect(stage.target.writes).toHaveLength(2);
  expect(stage.consumer.commits.at(-1)).toEqual({ 1: 5 });
  await stage.end();
});

test('a write that ends after its partition was taken away is not told to the group', async () => {
  stage.consumer.give(0, 0, 4);
  await stage.clock.advance(0);
  await stage.clock.advance(1000);
  stage.consumer.events.onRevoked([0]);
  stage.target.finish();
  await stage.clock.advance(5000);
  expect(stage.consumer.commits).toEqual([{ 0: 0, 1: 0 }]);
  await stage.end();
});

test('a partition that comes back begins where it is told to; what it had before that is read again, not kept', async () => {
  stage.consumer.give(0, 0, 4);
  await stage.clock.advance(0);
  stage.consumer.give(0, 5, 9);
  stage.starts = new Map([[0, 3]]);
  const asked = stage.consumer.events.positions([0]);
  stage.target.finish();
  await asked;
  stage.consumer.give(0, 2, 7);
  await stage.clock.advance(0);
  expect(stage.target.writes[1]).toEqual({ items: ['3', '4', '5', '6', '7'], offsets: { 0: 8 } });
  await stage.end();
});

test('where to begin is found when no write is under way, and nothing is written before it is found', async () => {
  const order: string[] = [];
  const found = Promise.withResolvers<void>();
  stage.findStarts = async () => {
    order.push(`find after ${stage.target.writes.length} writes`);
    await found.promise;
    return stage.starts;
  };
  stage.consumer.give(0, 0, 4);
  await stage.clock.advance(0);
  stage.consumer.give(0, 5, 9);
  const asked = stage.consumer.events.positions([0, 1]);
  await stage.clock.advance(0);
  expect(order).toEqual([]);
  stage.target.finish(new MooringError('SINK_FAILED', 'full'));
  await stage.clock.advance(60_000);
  expect(order).toEqual(['find after 1 writes']);
  expect(stage.target.writes).toHaveLength(1);
  found.resolve();
  await asked;
  stage.consumer.give(0, 0, 9);
  await stage.clock.advance(0);
  expect(stage.target.writes[1]).toMatchObject({ offsets: { 0: 10 } });
  await stage.end();
});

test.each(span(0, 8))(
  'what waits for its turn when the session ends is not told to the group as if it were written: %d',
  async (steps) => {
    await stage.clock.advance(5000);
    stage.consumer.commits.length = 0;
    stage.consumer.give(0, 0, 4);
    for (let step = 0; step < steps; step += 1) await Promise.resolve();
    stage.closing.abort();
    await stage.clock.advance(0);
    stage.target.finish();
    await stage.clock.advance(0);
    await stage.running;
    expect(stage.consumer.commits).toEqual(stage.target.writes.length === 0 ? [] : [{ 0: 5 }]);
  },
);

test('an answer about partitions that were taken away meanwhile changes nothing', async () => {
  stage.consumer.commits.length = 0;
  stage.consumer.events.onRevoked([0, 1]);
  const asked = stage.consumer.events.positions([1]);
  stage.consumer.events.onRevoked([1]);
  await asked;
  stage.consumer.give(1, 0, 4);
  await stage.clock.advance(5000);
  expect(stage.target.writes).toEqual([]);
  expect(stage.consumer.commits).toEqual([]);
  await stage.end();
});

test('the group hears at most once a second how far it is, and what failed goes along with the next', async () => {
  await stage.clock.advance(10);
  stage.consumer.commits.length = 0;
  for (const offset of span(0, 9)) {
    stage.consumer.give(0, offset, offset);
    await stage.clock.advance(0);
    stage.target.finish();
    await stage.clock.advance(150);
  }
  expect(stage.consumer.commits).toHaveLength(1);
  stage.consumer.commitFailure = new MooringError('LOG_FAILED', 'rebalancing');
  await stage.clock.advance(5000);
  stage.consumer.commitFailure = undefined;
  stage.consumer.give(1, 0, 0);
  await stage.clock.advance(0);
  stage.target.finish();
  await stage.clock.advance(1000);
  expect(stage.consumer.commits.at(-1)).toEqual({ 0: 10, 1: 1 });
  await stage.end();
});

test('when the consumer fails, the write under way ends first, nothing else begins, and the group is left', async () => {
  stage.consumer.give(0, 0, 4);
  await stage.clock.advance(0);
  stage.consumer.give(0, 5, 9);
  const failed = expect(stage.running).rejects.toMatchObject({ code: 'LOG_FAILED', cause: { message: 'gone' } });
  stage.consumer.events.onFailed(new Error('gone'));
  await stage.clock.advance(60_000);
  expect(stage.consumer.calls).not.toContain('close');
  stage.target.finish();
  await stage.clock.advance(0);
  await failed;
  expect(stage.target.writes).toHaveLength(1);
  expect(stage.consumer.calls.at(-1)).toBe('close');
  expect(stage.clock.pendingTimers).toBe(0);
});

test('the lag is what the log has and the target has not, of the partitions that are read', async () => {
  const spans = [
    { first: 0, end: 10 },
    { first: 0, end: 20 },
    { first: 0, end: 40 },
  ];
  expect(stage.session.lag(spans)).toBe(30);
  stage.consumer.give(0, 0, 4);
  await stage.clock.advance(0);
  expect(stage.session.lag(spans)).toBe(30);
  stage.target.finish();
  await stage.clock.advance(0);
  expect(stage.session.lag(spans)).toBe(25);
  stage.consumer.events.onRevoked([1]);
  expect(stage.session.lag(spans)).toBe(5);
  await stage.end();
});

test('before the first assignment nobody knows the lag', async () => {
  await stage.end();
  const other = stage.make();
  expect(other.lag([{ first: 0, end: 10 }])).toBeUndefined();
  await stage.consumer.events.positions([0]);
  expect(other.lag([{ first: 0, end: 10 }])).toBe(10);
});
