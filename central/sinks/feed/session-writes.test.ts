import { beforeEach, expect, test } from 'vitest';
import { MooringError } from '../../../runtime/errors.ts';
import { span } from '../../../test/conformance/entries.ts';
import { SessionStage } from '../../../test/session-stage.ts';

let stage: SessionStage;
beforeEach(async () => {
  stage = new SessionStage();
  await stage.begin();
});

test('what the target refuses is in the dead letter, with where it stood and why, before the group hears of it', async () => {
  await stage.clock.advance(5000);
  stage.consumer.commits.length = 0;
  const put = Promise.withResolvers<void>();
  stage.append = async (some) => {
    await put.promise;
    stage.letters.push(...some);
  };
  stage.consumer.give(0, 0, 2);
  stage.consumer.give(1, 7, 8);
  await stage.clock.advance(0);
  stage.target.refuse(1, 4);
  await stage.clock.advance(5000);
  expect(stage.consumer.commits).toEqual([]);
  put.resolve();
  await stage.clock.advance(0);
  expect(stage.letters).toEqual([
    { topic: 't', partition: 0, offset: 1, sink: 'archive', value: Buffer.from('1'), reason: 'no place for 1' },
    { topic: 't', partition: 1, offset: 8, sink: 'archive', value: Buffer.from('8'), reason: 'no place for 4' },
  ]);
  expect(stage.consumer.commits).toEqual([{ 0: 3, 1: 9 }]);
  await stage.end();
});

test('while the dead letter takes nothing, what was refused is asked no more, and the others stay as they are', async () => {
  stage.append = () => Promise.reject(new MooringError('LOG_FAILED', 'away'));
  stage.consumer.give(0, 0, 2);
  await stage.clock.advance(0);
  stage.target.refuse(1);
  await stage.clock.advance(60_000);
  expect(stage.target.writes).toHaveLength(1);
  stage.append = async (some) => void stage.letters.push(...some);
  await stage.clock.advance(60_000);
  stage.target.finish();
  await stage.clock.advance(1000);
  expect(stage.target.writes.map(({ items }) => items)).toEqual([
    ['0', '1', '2'],
    ['0', '2'],
  ]);
  expect(stage.letters.map(({ offset }) => offset)).toEqual([1]);
  expect(stage.consumer.commits.at(-1)).toEqual({ 0: 3 });
  await stage.end();
});

test('what was refused and is not aside when the session ends is not told to the group as if it were', async () => {
  await stage.clock.advance(5000);
  stage.consumer.commits.length = 0;
  const put = Promise.withResolvers<void>();
  stage.append = () => put.promise;
  stage.consumer.give(0, 0, 40);
  await stage.clock.advance(0);
  stage.target.refuse(...span(0, 40));
  await stage.clock.advance(0);
  stage.closing.abort();
  put.resolve();
  await stage.clock.advance(0);
  await stage.running;
  expect(stage.consumer.commits).toEqual([]);
});

test('a refusal is of the partition that it came from, also where another is taken away between two tries', async () => {
  stage.consumer.give(0, 0, 4);
  stage.consumer.give(1, 0, 4);
  await stage.clock.advance(0);
  stage.consumer.events.onRevoked([0]);
  stage.target.finish(new MooringError('SINK_FAILED', 'full'));
  await stage.clock.advance(60_000);
  stage.target.refuse(3);
  await stage.clock.advance(1000);
  expect(stage.letters).toMatchObject([{ partition: 1, offset: 3 }]);
  expect(stage.consumer.commits.at(-1)).toEqual({ 1: 5 });
  await stage.end();
});

test('a target that says how much it takes gets no more at once, and the group hears of each write', async () => {
  await stage.clock.advance(5000);
  stage.target.paced = { records: 4, bytes: 1000, lingerMs: 0 };
  stage.consumer.commits.length = 0;
  stage.consumer.give(0, 0, 5);
  stage.consumer.give(1, 0, 0);
  await stage.clock.advance(0);
  expect(stage.target.writes.map(({ offsets }) => offsets)).toEqual([{ 0: 3, 1: 1 }]);
  stage.target.finish();
  await stage.clock.advance(5000);
  expect(stage.target.writes.slice(1).map(({ offsets }) => offsets)).toEqual([{ 0: 6 }]);
  expect(stage.consumer.commits).toEqual([{ 0: 3, 1: 1 }]);
  stage.target.finish();
  await stage.clock.advance(5000);
  expect(stage.consumer.commits.at(-1)).toEqual({ 0: 6 });
  await stage.end();
});

test('the first after an idle time waits for others, as long as it is told to or until the write is full', async () => {
  stage.target.paced = { records: 3, bytes: 1000, lingerMs: 100 };
  // It was idle, and had another pace then.
  stage.consumer.give(0, 0, 0);
  await stage.clock.advance(0);
  stage.target.finish();
  await stage.clock.advance(10);
  stage.consumer.give(0, 1, 1);
  await stage.clock.advance(60);
  stage.consumer.give(1, 0, 0);
  await stage.clock.advance(39);
  expect(stage.target.writes).toHaveLength(1);
  await stage.clock.advance(1);
  expect(stage.target.writes[1]).toMatchObject({ offsets: { 0: 2, 1: 1 } });
  stage.target.finish();
  await stage.clock.advance(10);
  stage.consumer.give(0, 2, 4);
  await stage.clock.advance(0);
  expect(stage.target.writes).toHaveLength(3);
  await stage.end();
  expect(stage.clock.pendingTimers).toBe(0);
});

test('who waits for others does not wait when the session ends', async () => {
  stage.target.paced = { records: 3, bytes: 1000, lingerMs: 100_000 };
  stage.consumer.give(0, 0, 0);
  await stage.clock.advance(0);
  stage.target.finish();
  await stage.clock.advance(10);
  stage.consumer.give(0, 1, 1);
  await stage.clock.advance(0);
  stage.closing.abort();
  await stage.clock.advance(0);
  await stage.running;
  expect(stage.target.writes).toHaveLength(1);
  expect(stage.clock.pendingTimers).toBe(0);
});
