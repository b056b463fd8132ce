import { expect, test } from 'vitest';
import { SteppedClock } from '../../sim/clock.ts';
import { GroupCommit } from './group-commit.ts';

function setUp(outcomes: (Error | undefined)[] = [], select?: () => (item: string) => boolean) {
  const clock = new SteppedClock();
  const commits: { readonly atMs: number; readonly items: readonly string[] }[] = [];
  const group = new GroupCommit<string>({
    clock,
    gatherMs: 10,
    intervalMs: 1000,
    ...(select === undefined ? {} : { select }),
    async commit(items) {
      commits.push({ atMs: clock.monotonicMs(), items });
      const outcome = outcomes.shift();
      if (outcome !== undefined) throw outcome;
    },
  });
  return { clock, commits, group };
}

test('a first item after an idle time is committed promptly, and those that come with it go along', async () => {
  const { clock, commits, group } = setUp();
  const done = Promise.all([group.add('a'), group.add('b')]);
  await clock.advance(10);
  await done;
  expect(commits).toEqual([{ atMs: 10, items: ['a', 'b'] }]);
});

test('there is at most one commit an interval, from start to start', async () => {
  const { clock, commits, group } = setUp();
  const added: Promise<void>[] = [];
  for (let atMs = 0; atMs < 3000; atMs += 100) {
    added.push(group.add(String(atMs)));
    await clock.advance(100);
  }
  await clock.advance(1000);
  await Promise.all(added);
  expect(commits.map(({ atMs }) => atMs)).toEqual([10, 1010, 2010, 3010]);
  expect(commits.flatMap(({ items }) => items)).toHaveLength(30);
});

test('a commit that fails fails for those in it, and for nobody else', async () => {
  const failure = new Error('full');
  const { clock, group } = setUp([failure]);
  const first = Promise.allSettled([group.add('a'), group.add('b')]);
  await clock.advance(10);
  expect(await first).toEqual([
    { status: 'rejected', reason: failure },
    { status: 'rejected', reason: failure },
  ]);
  const second = group.add('a');
  await clock.advance(1000);
  await expect(second).resolves.toBeUndefined();
});

test('closing commits what waits without waiting for the interval', async () => {
  const { clock, commits, group } = setUp();
  const first = group.add('a');
  await clock.advance(10);
  await first;
  const second = group.add('b');
  await group.close();
  await second;
  expect(commits.map(({ atMs }) => atMs)).toEqual([10, 10]);
  expect(clock.pendingTimers).toBe(0);
});

test('what does not go along waits for the next commit, in its order', async () => {
  const twoOthers = () => {
    let others = 0;
    return (item: string) => item === 'light' || others++ < 2;
  };
  const { clock, commits, group } = setUp([], twoOthers);
  const added = ['a', 'b', 'c', 'd', 'light', 'e'].map((item) => group.add(item));
  await clock.advance(10);
  expect(commits.map(({ items }) => items)).toEqual([['a', 'b', 'light']]);
  added.push(group.add('f'));
  await clock.advance(1000);
  await group.close();
  await Promise.all(added);
  expect(commits.slice(1).map(({ items }) => items)).toEqual([
    ['c', 'd'],
    ['e', 'f'],
  ]);
});
