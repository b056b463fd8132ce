import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ack } from '../../protocol/ack.ts';
import type { Batch } from '../../protocol/batch.ts';
import { MooringError } from '../../runtime/errors.ts';
import {
  type BenchOptions,
  ForwardBench,
  saysNothing,
  sequencesOf,
  storeAll,
} from '../../test/simulation/forward-bench.ts';

let bench: ForwardBench;
beforeEach(() => {
  bench = new ForwardBench();
});
afterEach(async () => {
  await bench.stop();
});

function remake(options: BenchOptions): ForwardBench {
  bench = new ForwardBench(options);
  return bench;
}

/** Answers `unreadable` to every batch that holds one of these sequences. */
function chokesOn(...poison: readonly number[]): (batch: Batch) => ReturnType<typeof storeAll> {
  return (batch) =>
    batch.records.some(({ sequence }) => poison.includes(sequence)) ? [{ unreadable: true }] : storeAll(batch);
}

describe('a forwarder', () => {
  it('sends what is pending and settles it by its ack', async () => {
    bench.start();
    await bench.append(3);
    await bench.advance(1000);
    expect([bench.arrived, bench.settled]).toEqual([[[[1, 3]]], [[1, 3]]]);
    expect(bench.status).toMatchObject({
      name: 'centre',
      kind: 'lossy',
      url: 'lossy://centre',
      link: 'up',
      acked: 3,
      acksReceived: 1,
      batchesInFlight: 0,
      recordsInFlight: 0,
      unknownAcks: 0,
    });
    expect(bench.status).not.toHaveProperty('lastError');
  });

  it('numbers its batches from 1, each with a token of its own', async () => {
    bench.start();
    for (let second = 0; second < 3; second += 1) {
      await bench.append(1);
      await bench.advance(1000);
    }
    expect(bench.arrivals.map(({ batch }) => batch.batch)).toEqual([1, 2, 3]);
    expect(new Set(bench.arrivals.map(({ batch }) => batch.token.toString())).size).toBe(3);
  });

  it('counts as settled only what an ack names; the rest goes again after the deadline, in another batch', async () => {
    bench.answer = (batch) => (batch.batch === 1 ? [{ stored: [[2, 3]] }] : storeAll(batch));
    bench.start();
    await bench.append(5);
    await bench.advance(1000);
    expect([bench.settled, bench.stats.inFlight]).toEqual([[[2, 3]], 3]);
    await bench.advance(18_000);
    expect(bench.arrivals).toHaveLength(1);
    await bench.advance(2000);
    expect([bench.arrived[1], bench.settled]).toEqual([
      [
        [1, 1],
        [4, 5],
      ],
      [[1, 5]],
    ]);
  });

  it('takes a late ack for what it is, also where those rows are on their way again, and a repeated one for nothing', async () => {
    bench.answer = saysNothing;
    bench.start();
    await bench.append(4);
    await bench.advance(25_000);
    const first = bench.batch(0);
    expect(sequencesOf(first)).toEqual([[1, 4]]);
    bench.say(first, { stored: [[1, 2]] }, { stored: [[1, 2]] }, { held: { ranges: [[3, 4]], seconds: 60 } });
    await bench.advance(1000);
    expect(bench.settled).toEqual([[1, 2]]);
    expect(bench.status).toMatchObject({ acked: 2, unknownAcks: 0, recordsHeld: 2 });
    bench.answer = storeAll;
    await bench.advance(120_000);
    expect([bench.settled, bench.status.acked]).toEqual([[[1, 4]], 4]);
  });

  it('ignores, and counts, an ack for what was never sent', async () => {
    bench.answer = saysNothing;
    bench.start();
    await bench.append(3);
    await bench.advance(1000);
    const sent = bench.batch(0);
    const stored = [[1, 3]] as const;
    bench.say({ ...sent, token: new Uint8Array(8) }, { stored });
    bench.say({ ...sent, salt: new Uint8Array(16) }, { stored });
    bench.say({ ...sent, batch: 2 }, { stored });
    bench.say(sent, { stored: [[4, 1000]] });
    await bench.append(3);
    await bench.advance(1000);
    expect([bench.settled, bench.status.unknownAcks, bench.status.acked]).toEqual([[], 4, 0]);
    // A range that also names what was not sent frees what was, in whatever batch of that run.
    bench.say(sent, { stored: [[2, 7]] });
    await bench.advance(1000);
    expect([bench.settled, bench.status.unknownAcks]).toEqual([[[2, 6]], 5]);
  });

  it('keeps what is held for as long as an ack by another batch of the run says, and frees it by one', async () => {
    const hold = (last: number): Partial<Ack> => ({ held: { ranges: [[1, last]], seconds: 600 } });
    bench.answer = ({ batch }) => (batch === 1 ? [hold(3)] : []);
    bench.start();
    await bench.append(3);
    await bench.advance(500_000);
    await bench.append(2);
    await bench.advance(1000);
    bench.say(bench.batch(1), hold(5));
    await bench.advance(599_000);
    expect([bench.stats.held, bench.arrivals.length, bench.status.unknownAcks]).toEqual([5, 2, 0]);
    bench.say(bench.batch(1), { stored: [[1, 4]] });
    bench.say(bench.batch(0), { rejected: [{ ranges: [[5, 5]], code: 'sink:lake' }] });
    await bench.advance(100);
    expect([bench.status.acked, bench.status.rejected, bench.stats.held]).toEqual([4, 1, 0]);
  });

  it('keeps what the centre holds until it is stored, and lets a renewal extend the time', async () => {
    bench.answer = ({ batch }) => (batch === 1 ? [{ held: { ranges: [[1, 3]], seconds: 600 } }] : []);
    bench.start();
    await bench.append(3);
    await bench.advance(400_000);
    expect([bench.stats.held, bench.arrivals.length]).toEqual([3, 1]);
    expect(bench.status).toMatchObject({ recordsHeld: 3, batchesInFlight: 0 });
    bench.say(bench.batch(0), { held: { ranges: [[1, 3]], seconds: 600 } });
    await bench.advance(500_000);
    expect([bench.stats.held, bench.arrivals.length]).toEqual([3, 1]);
    bench.say(bench.batch(0), { stored: [[1, 2]] });
    await bench.advance(90_000);
    expect([bench.settled, bench.stats.held, bench.arrivals.length]).toEqual([[[1, 2]], 1, 1]);
    bench.answer = storeAll;
    await bench.advance(20_000);
    expect([bench.arrived[1], bench.settled]).toEqual([[[3, 3]], [[1, 3]]]);
  });

  it('gives back what is held when it stops, so that the next start sends it again', async () => {
    bench.answer = (batch) => [{ held: { ranges: sequencesOf(batch), seconds: 600 } }];
    bench.start();
    await bench.append(2);
    await bench.advance(1000);
    expect(bench.stats.held).toBe(2);
    await bench.stop();
    expect(bench.stats).toMatchObject({ held: 0, pending: 2 });
  });

  it('settles what the centre rejects by a gap record, and sends that too', async () => {
    bench.answer = (batch) =>
      batch.batch === 1
        ? [{ stored: [[1, 1]], rejected: [{ ranges: [[2, 3]], code: 'metric_type' }] }]
        : storeAll(batch);
    bench.start();
    await bench.append(3);
    await bench.advance(2000);
    expect(bench.settled).toEqual([[1, 4]]);
    expect(bench.status).toMatchObject({ acked: 2, rejected: 2 });
    expect(bench.batch(1).records).toMatchObject([
      { kind: 'gap', info: { ranges: [[2, 3]], count: 2, reason: 'rejected', code: 'metric_type' } },
    ]);
  });

  it('comes back to a busy centre not before it is asked to, and not long after', async () => {
    bench.answer = () => [{ busy: { retryAfterMs: 8000 } }];
    bench.start();
    await bench.append(3, { urgent: true });
    await bench.advance(7900);
    expect([bench.arrivals.length, bench.stats.inFlight, bench.stats.pending]).toEqual([1, 0, 3]);
    bench.answer = storeAll;
    await bench.advance(4200);
    expect([bench.arrivals.length, bench.settled]).toEqual([2, [[1, 3]]]);
  });
});

describe('a forwarder whose batch cannot be read', () => {
  it('halves it, so that only the record at fault stays', async () => {
    bench.answer = chokesOn(11);
    bench.start();
    await bench.append(16);
    await bench.advance(1000);
    expect(bench.sizes.slice(0, 3)).toEqual([16, 8, 8]);
    expect(bench.settled).toEqual([
      [1, 10],
      [12, 16],
    ]);
    expect(bench.stats.pending).toBe(1);
  });

  it('gives that record up when the centre has read others since, and says so', async () => {
    bench.answer = chokesOn(2);
    bench.start();
    await bench.append(3);
    for (let second = 0; second < 20; second += 1) {
      await bench.advance(1000);
      await bench.append(1);
    }
    await bench.advance(1000);
    expect(bench.status).toMatchObject({ rejected: 1 });
    expect(bench.stats.pending).toBe(0);
    expect(bench.arrived.filter(([range]) => range?.[0] === 2 && range[1] === 2)).toHaveLength(3);
    const gaps = bench.store.records.filter(({ kind }) => kind === 'gap');
    expect(gaps).toMatchObject([{ info: { ranges: [[2, 2]], code: 'invalid_record' } }]);
    expect(bench.logged).toContain('the centre cannot read a record: it is given up');
  });

  it('gives nothing up while the centre can read nothing at all', async () => {
    bench.answer = () => [{ unreadable: true }];
    bench.start();
    await bench.append(4);
    await bench.advance(3_600_000);
    expect([bench.settled, bench.stats.pending, bench.status.rejected]).toEqual([[], 4, 0]);
    expect(bench.arrivals.length).toBeLessThan(200);
    bench.answer = storeAll;
    await bench.advance(600_000);
    expect([bench.settled, bench.store.records.length]).toEqual([[[1, 4]], 4]);
  });

  it('holds few records in memory while the centre can read none of many, and sends them little', async () => {
    bench.answer = () => [{ unreadable: true }];
    await bench.appendBacklog(4000);
    bench.start();
    for (let minute = 0; minute < 20; minute += 2) {
      await bench.append(1);
      await bench.advance(120_000);
      expect(bench.status.recordsInFlight).toBeLessThan(3072);
      expect(bench.status.recordsInFlight).toBe(bench.stats.inFlight);
    }
    expect(bench.status.lastError?.code).toBe('LINK_REFUSED');
    expect(bench.logged.filter((message) => message === 'the centre does not understand')).toHaveLength(1);
    const sent = bench.arrivals.length;
    await bench.advance(600_000);
    expect(bench.arrivals.length - sent).toBeLessThan(2000);
    expect([bench.settled, bench.status.rejected]).toEqual([[], 0]);
    bench.answer = storeAll;
    await bench.advance(120_000);
    expect([bench.stats.pending, bench.status.rejected, bench.status.lastError]).toEqual([0, 0, undefined]);
  });

  it('gives up any number of records that the centre cannot read, and none of those between them', async () => {
    const isPoison = (sequence: number): boolean => sequence <= 3000 && sequence % 2 === 0;
    bench.answer = (batch) =>
      batch.records.some(({ sequence }) => isPoison(sequence)) ? [{ unreadable: true }] : storeAll(batch);
    await bench.appendBacklog(3000);
    bench.start();
    for (let second = 0; second < 300; second += 1) {
      await bench.append(1);
      await bench.advance(1000);
    }
    expect([bench.stats.pending, bench.status.rejected]).toEqual([0, 1500]);
  });

  it('keeps everything when the centre is too old to, says why, and goes on when it was updated', async () => {
    bench.answer = () => [{ versionMax: 1 }];
    bench.start();
    await bench.append(4);
    await bench.advance(60_000);
    expect([bench.stats.pending, bench.arrivals.length]).toEqual([4, 1]);
    expect(bench.status.lastError).toMatchObject({ code: 'LINK_REFUSED' });
    await bench.advance(3_600_000);
    expect([bench.stats.pending, bench.store.records.length]).toEqual([4, 4]);
    expect(bench.logged.filter((message) => message === 'the centre is too old')).toHaveLength(1);
    bench.answer = storeAll;
    await bench.advance(300_000);
    expect([bench.settled, bench.status.lastError]).toEqual([[[1, 4]], undefined]);
  });

  it('halves what is larger than the link takes, and gives up a record that is so alone', async () => {
    remake({ limits: { batchBytesMax: 200 } }).start();
    await bench.append(2, { text: 'x'.repeat(100) });
    await bench.append(1, { text: 'y'.repeat(128) });
    await bench.append(40);
    await bench.advance(2000);
    expect([bench.stats.pending, bench.status.rejected]).toEqual([0, 0]);
    expect(bench.sizes.every((size) => size < 43)).toBe(true);
    await bench.stop();
    remake({ limits: { batchBytesMax: 80 } }).start();
    await bench.append(1);
    await bench.append(1, { text: 'z'.repeat(128) });
    await bench.advance(2000);
    expect(bench.status).toMatchObject({ rejected: 1 });
    expect(bench.store.records[2]).toMatchObject({ kind: 'gap', info: { ranges: [[2, 2]], code: 'too_large' } });
  });
});

describe('a forwarder whose store fails', () => {
  const broken = new MooringError('STORE_FAILED', 'the disk is gone');

  it('asks again ever less often, and says so once', async () => {
    bench.start();
    await bench.append(1);
    await bench.advance(0);
    bench.store.failure = broken;
    bench.store.calls.length = 0;
    await bench.advance(600_000);
    expect(bench.store.calls.length).toBeLessThan(80);
    expect(bench.status.lastError).toMatchObject({ code: 'STORE_FAILED' });
    bench.store.failure = undefined;
    await bench.advance(30_000);
    expect([bench.settled, bench.status.lastError]).toEqual([[[1, 1]], undefined]);
    expect(bench.logged).toEqual(['the link is up', 'the store gives no rows', 'the store gives rows again']);
  });

  it('settles what was acknowledged when it can, without sending it again', async () => {
    bench.answer = saysNothing;
    bench.start();
    await bench.append(3);
    await bench.advance(1000);
    bench.store.failure = broken;
    bench.say(bench.batch(0), { stored: [[1, 2]] });
    bench.say(bench.batch(0), { stored: [[3, 3]] });
    await bench.advance(120_000);
    expect([bench.settled, bench.stats.inFlight]).toEqual([[], 3]);
    bench.store.failure = undefined;
    await bench.advance(60_000);
    expect([bench.settled, bench.arrivals.length, bench.status.acked]).toEqual([[[1, 3]], 1, 3]);
    expect(bench.logged.filter((message) => message.includes('outcomes'))).toEqual([
      'the store takes no outcomes',
      'the store takes outcomes again',
    ]);
  });
});

describe('a forwarder that stops', () => {
  it('leaves what is unanswered pending, and settles what was answered', async () => {
    bench.answer = (batch) => (batch.batch === 1 ? storeAll(batch) : []);
    bench.start();
    await bench.append(2);
    await bench.advance(1000);
    await bench.append(2);
    await bench.advance(1000);
    await bench.stop();
    expect([bench.settled, bench.stats]).toMatchObject([[[1, 2]], { pending: 2, inFlight: 0 }]);
    expect([bench.transport.isOpen, bench.status.link]).toEqual([false, 'down']);
    await bench.append(1);
    await bench.advance(60_000);
    expect(bench.arrivals).toHaveLength(2);
  });

  it('does so within two seconds although neither the store nor the link answers', async () => {
    bench.answer = saysNothing;
    bench.start();
    await bench.append(2);
    await bench.advance(1000);
    bench.store.failure = new MooringError('STORE_FAILED', 'the disk is gone');
    bench.transport.freeze();
    let hasStopped = false;
    const stopping = bench.forwarder.stop().then(() => {
      hasStopped = true;
    });
    await bench.advance(2000);
    expect(hasStopped).toBe(true);
    await stopping;
    bench.store.failure = undefined;
    await bench.store.release('centre', bench.batch(0).salt, [[1, 2]]);
  });
});
