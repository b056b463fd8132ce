import { beforeEach, describe, expect, test } from 'vitest';
import { MooringError } from '../../../runtime/errors.ts';
import { silentLog } from '../../../runtime/log.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import type { ConsumedMessage, KafkaAdmin, LogSpan } from './client.ts';
import type { GroupMember, GroupMemberEvents } from './group-member.ts';
import { LastingConsumer } from './lasting-consumer.ts';

const away = (): MooringError => new MooringError('LOG_FAILED', 'away', { context: { reason: 'econnrefused' } });
const never = new AbortController().signal;

class FakeMember implements GroupMember {
  readonly events: GroupMemberEvents;
  readonly said: string[] = [];
  joins: Promise<void> = Promise.resolve();

  constructor(events: GroupMemberEvents) {
    this.events = events;
  }

  async join(): Promise<void> {
    await this.joins;
  }

  read(partition: number, offset: number): void {
    this.said.push(`read ${partition} at ${offset}`);
  }

  pause(partition: number): void {
    this.said.push(`pause ${partition}`);
  }

  resume(partition: number): void {
    this.said.push(`resume ${partition}`);
  }

  async commit(offsets: ReadonlyMap<number, number>): Promise<void> {
    this.said.push(`commit ${[...offsets]}`);
  }

  async leave(): Promise<void> {
    this.said.push('leave');
  }

  /** A fetch that has found as many messages, whose numbers are not taken on trust. */
  finds(partition: number, from: number, count: number, to = from + count): boolean {
    const messages = Array.from({ length: count }, (_, index): ConsumedMessage => {
      return { offset: from + index, key: 'barn', value: Buffer.from('{}'), timestampMs: 0 };
    });
    return this.events.onMessages(partition, { from, to }, messages);
  }
}

describe('a consumer that lasts', () => {
  let clock: SteppedClock;
  let members: FakeMember[];
  /** What becomes of the joins to come, in order; they succeed when there is nothing left. */
  let joins: (() => Promise<void>)[];
  let spans: readonly LogSpan[];
  let isAway: boolean;
  let positions: Map<number, number>;
  let told: string[];
  let failures: Error[];
  let consumer: LastingConsumer;

  beforeEach(() => {
    clock = new SteppedClock();
    [members, joins, told, failures] = [[], [], [], []];
    spans = [
      { first: 10, end: 20 },
      { first: 0, end: 5 },
    ];
    isAway = false;
    positions = new Map();
    const admin = {
      offsets: async () => {
        if (isAway) throw away();
        return spans;
      },
      committed: async () => [undefined, 3],
      close: async () => void told.push('admin closed'),
    } as Partial<KafkaAdmin> as KafkaAdmin;
    consumer = new LastingConsumer({
      consumer: {
        group: 'group',
        topic: 'topic',
        positions: async () => positions,
        onMessages: (partition, messages) => told.push(`${partition}: ${messages.map(({ offset }) => offset)}`),
        onRevoked: (partitions) => told.push(`revoked ${partitions}`),
        onFailed: (error) => failures.push(error),
      },
      createMember: (events) => {
        const member = new FakeMember(events);
        const join = joins.shift();
        if (join !== undefined) member.joins = join();
        member.joins.catch(() => undefined);
        members.push(member);
        return member;
      },
      admin,
      clock,
      log: silentLog,
    });
  });

  const opened = async (...partitions: readonly number[]): Promise<FakeMember> => {
    await consumer.open(never);
    return await assigned(...partitions);
  };
  const assigned = async (...partitions: readonly number[]): Promise<FakeMember> => {
    const member = members.at(-1);
    if (member === undefined) throw new Error('nobody has joined');
    member.events.onAssigned(partitions);
    await clock.advance(0);
    return member;
  };

  test('each partition begins where it is told, else where the group is, else where the log begins', async () => {
    expect((await opened(0, 1)).said).toEqual(['read 0 at 10', 'read 1 at 3']);
    positions.set(0, 20).set(1, 0);
    expect((await assigned(0, 1)).said.slice(2)).toEqual(['read 0 at 20', 'read 1 at 0']);
  });

  test.for([9, 21])('a place outside of the log ends it: %d', async (place) => {
    positions.set(0, place);
    const member = await opened(0, 1);
    expect(failures).toMatchObject([{ code: 'LOG_EXPIRED', context: { partition: 0, offset: place } }]);
    expect(member.said).toEqual(['leave']);
  });

  test('a broker that does not say where the log begins is asked until it does', async () => {
    isAway = true;
    const member = await opened(0);
    await clock.advance(5000);
    expect(member.said).toEqual([]);
    isAway = false;
    await clock.advance(1000);
    expect(member.said).toEqual(['read 0 at 10']);
    expect(failures).toEqual([]);
  });

  test('an assignment that is over while it is found out where to begin begins nothing', async () => {
    isAway = true;
    const member = await opened(0);
    isAway = false;
    await assigned(1);
    await clock.advance(5000);
    expect(member.said).toEqual(['read 1 at 3']);
    expect(told).toEqual(['revoked 0']);
  });

  test('nothing comes of a partition before it has begun, while it is paused, or when it is not assigned', async () => {
    isAway = true;
    const member = await opened(0);
    expect(member.finds(0, 10, 1)).toBe(false);
    isAway = false;
    await clock.advance(1000);
    expect(member.finds(1, 0, 1)).toBe(false);
    consumer.pause(0);
    expect(member.finds(0, 10, 1)).toBe(false);
    consumer.resume(0);
    expect(member.finds(0, 10, 2)).toBe(true);
    expect(told).toEqual(['0: 10,11']);
    expect(member.said).toEqual(['read 0 at 10', 'pause 0', 'resume 0']);
  });

  test('one that is paused before it has begun begins paused', async () => {
    isAway = true;
    const member = await opened(0);
    consumer.pause(0);
    isAway = false;
    await clock.advance(1000);
    expect(member.said).toEqual(['read 0 at 10', 'pause 0']);
  });

  test('what was under way when the place was set is not taken, and the place is asked for again', async () => {
    const member = await opened(0);
    expect(member.finds(0, 15, 2)).toBe(false);
    expect(member.finds(0, 10, 2)).toBe(true);
    expect(member.said).toEqual(['read 0 at 10', 'read 0 at 10']);
    expect(failures).toEqual([]);
  });

  test('messages that are missing, at the front or within, end it', async () => {
    const member = await opened(0);
    expect(member.finds(0, 10, 2, 13)).toBe(false);
    expect(failures).toMatchObject([{ code: 'LOG_EXPIRED', context: { expected: 10, to: 13, count: 2 } }]);
  });

  test('a package that goes on elsewhere, whatever it is told, ends it', async () => {
    const member = await opened(0);
    for (let tries = 0; tries < 10; tries += 1) expect(member.finds(0, 15, 1)).toBe(false);
    expect(failures).toMatchObject([{ code: 'LOG_EXPIRED', context: { expected: 10, from: 15 } }]);
    expect(told).toEqual([]);
  });

  test('it joins again for ever when the broker is lost, and what it had is revoked', async () => {
    const first = await opened(0, 1);
    first.finds(0, 10, 1);
    joins = Array.from({ length: 100 }, () => () => Promise.reject(away()));
    first.events.onLost(away());
    await clock.advance(100_000);
    await clock.advance(2000);
    expect(members).toHaveLength(102);
    expect(members.every((member, index) => index === 101 || member.said.at(-1) === 'leave')).toBe(true);
    expect(first.finds(0, 11, 1)).toBe(false);
    const last = await assigned(0);
    expect(last.said).toEqual(['read 0 at 10']);
    last.finds(0, 10, 2);
    expect(told).toEqual(['0: 10', 'revoked 0,1', '0: 10,11']);
    expect(failures).toEqual([]);
  });

  test('what no waiting heals is told once, and it reads no more', async () => {
    const member = await opened(0);
    const unfit = new MooringError('LOG_UNFIT', 'not allowed');
    joins = [() => Promise.reject(unfit)];
    member.events.onLost(away());
    await clock.advance(60_000);
    expect(failures).toEqual([unfit]);
    expect(members).toHaveLength(2);
  });

  test('a first join that fails is the caller’s to try again', async () => {
    joins = [() => Promise.reject(away())];
    await expect(consumer.open(never)).rejects.toMatchObject({ code: 'LOG_FAILED' });
    await clock.advance(60_000);
    expect(members.map(({ said }) => said)).toEqual([['leave']]);
    await consumer.close();
    expect(failures).toEqual([]);
  });

  test('a join that never ends is given up, and one that nobody wants any more at once', async () => {
    joins = [() => new Promise(() => undefined), () => new Promise(() => undefined)];
    const hanging = expect(consumer.open(never)).rejects.toMatchObject({ context: { reason: 'deadline' } });
    await clock.advance(60_000);
    await hanging;
    const aborting = new AbortController();
    const unwanted = expect(consumer.open(aborting.signal)).rejects.toThrow('enough');
    aborting.abort(new Error('enough'));
    await unwanted;
    await consumer.close();
    expect(members.map(({ said }) => said.includes('leave'))).toEqual([true, true]);
  });

  test('it commits what is its own, and nothing else', async () => {
    const member = await opened(0);
    await consumer.commit(new Map([[0, 12]]));
    await consumer.commit(new Map());
    await expect(consumer.commit(new Map([[1, 4]]))).rejects.toMatchObject({ code: 'LOG_FAILED' });
    member.events.onLost(away());
    await expect(consumer.commit(new Map([[0, 13]]))).rejects.toMatchObject({ code: 'LOG_FAILED' });
    expect(member.said.filter((word) => word.startsWith('commit'))).toEqual(['commit 0,12']);
  });

  test('closing leaves, says nothing more, and ends the tries to join', async () => {
    const first = await opened(0);
    joins = Array.from({ length: 100 }, () => () => Promise.reject(away()));
    first.events.onLost(away());
    await clock.advance(3000);
    await consumer.close();
    const count = members.length;
    await clock.advance(60_000);
    expect(members).toHaveLength(count);
    expect(told).toEqual(['revoked 0', 'admin closed']);
  });

  test('closing while it is found out where to begin begins nothing', async () => {
    isAway = true;
    const member = await opened(0);
    isAway = false;
    await consumer.close();
    await clock.advance(5000);
    expect(member.said).toEqual(['leave']);
  });
});
