import { afterEach, describe, expect, it } from 'vitest';
import { type BenchOptions, ForwardBench, saysNothing, storeAll } from '../../test/simulation/forward-bench.ts';

let bench: ForwardBench;
afterEach(async () => {
  await bench.stop();
});

function make(options: BenchOptions = {}): ForwardBench {
  bench = new ForwardBench(options);
  return bench;
}

/** Bytes that a batch of the bench's plain records takes, nearly. */
const KINDS = (each: { readonly batch: { readonly records: readonly { readonly kind: string }[] } }): string =>
  each.batch.records[0]?.kind ?? '';

describe('the lanes', () => {
  it('carry what the stations of a gateway tick together in one batch', async () => {
    make().start();
    await bench.advance(1000);
    for (let second = 0; second < 3; second += 1) {
      for (let station = 0; station < 4; station += 1) {
        await bench.append(1);
        await bench.advance(5);
      }
      await bench.advance(980);
    }
    expect(bench.sizes).toEqual([4, 4, 4]);
    expect(bench.arrivals[0]?.atMs).toBeLessThanOrEqual(1250);
  });

  it('let an alarm go at once', async () => {
    make().start();
    await bench.advance(1000);
    await bench.append(1, { urgent: true });
    await bench.advance(0);
    expect(bench.arrivals).toMatchObject([{ atMs: 1000 }]);
  });

  it('put what is urgent first, then the newest minute, then the rest, oldest first', async () => {
    make({ limits: { batchesInFlightMax: 3 } });
    await bench.appendBacklog(20);
    await bench.append(10);
    await bench.append(1, { urgent: true });
    bench.start();
    await bench.advance(500);
    expect(bench.arrived).toEqual([[[31, 31]], [[21, 30]], [[1, 20]]]);
  });

  it('let an alarm pass a backlog that waits for its acks, however large', async () => {
    make();
    await bench.appendBacklog(5000);
    bench.answer = saysNothing;
    bench.start();
    await bench.advance(2000);
    const before = bench.arrivals.length;
    await bench.append(1, { urgent: true });
    await bench.advance(10);
    expect(bench.arrivals.slice(before).map(KINDS)).toEqual(['alarm']);
    await bench.append(1);
    await bench.advance(300);
    expect(bench.arrivals.length).toBe(before + 2);
  });

  it('put no more than four batches before an alarm where the link takes them slowly', async () => {
    make({ quality: { delayMs: 3000 } });
    await bench.appendBacklog(3000);
    await bench.append(600);
    bench.start();
    await bench.advance(6000);
    await bench.advance(5000);
    await bench.append(1, { urgent: true });
    await bench.advance(3100);
    expect(bench.arrivals.filter((each) => KINDS(each) === 'alarm')).toHaveLength(1);
    expect(bench.arrivals.length).toBeLessThanOrEqual(5);
  });

  it('keep the backlog to its rate, and neither starves', async () => {
    make({ backlogBytesPerSecond: 500 });
    await bench.appendBacklog(8000);
    bench.start();
    const startMs = bench.clock.monotonicMs();
    for (let second = 0; second < 120; second += 1) {
      await bench.append(10);
      await bench.advance(1000);
    }
    const isOld = ({ batch }: (typeof bench.arrivals)[number]): boolean => (batch.records[0]?.sequence ?? 0) <= 8000;
    const old = bench.arrivals.filter(isOld);
    const live = bench.arrivals.filter((each) => !isOld(each));
    expect(live.flatMap(({ batch }) => batch.records)).toHaveLength(1200);
    const liveBytes = live.length * 70;
    const backlogBytes = bench.status.bytesSent - liveBytes;
    const elapsed = (bench.clock.monotonicMs() - startMs) / 1000;
    expect(backlogBytes / elapsed).toBeLessThan(700);
    expect(backlogBytes / elapsed).toBeGreaterThan(300);
    expect(old.length).toBeGreaterThan(20);
  });

  it('drain a backlog in large batches while live records keep coming', async () => {
    make();
    await bench.appendBacklog(8000);
    bench.start();
    for (let step = 0; step < 100; step += 1) {
      await bench.append(2);
      await bench.advance(100);
    }
    await bench.advance(1000);
    expect(bench.stats.pending).toBe(0);
    expect(bench.sizes.filter((size) => size > 200).length).toBeGreaterThan(12);
    expect(bench.arrivals.length).toBeLessThan(250);
  });

  it('forget nothing that grows old while it waits', async () => {
    make({ quality: {} });
    bench.transport.cut();
    bench.start();
    for (let minute = 0; minute < 10; minute += 1) {
      await bench.append(5);
      await bench.append(1, { urgent: true });
      await bench.advance(60_000);
    }
    bench.transport.heal();
    await bench.advance(120_000);
    expect([bench.settled, bench.stats.pending]).toEqual([[[1, 60]], 0]);
  });

  it('find what the store gives out although nobody said so', async () => {
    make().start();
    await bench.advance(60_000);
    const { notify } = bench.forwarder;
    bench.forwarder.notify = () => undefined;
    await bench.append(3);
    bench.forwarder.notify = notify;
    await bench.advance(6000);
    expect(bench.settled).toEqual([[1, 3]]);
  });

  it('ask an idle store for little', async () => {
    make().start();
    await bench.advance(10_000);
    bench.store.calls.length = 0;
    await bench.advance(60_000);
    expect(bench.store.calls.length).toBeLessThanOrEqual(50);
  });
});

describe('a centre that does not answer', () => {
  it('is tried ever less often, and with little, until it does', async () => {
    make();
    await bench.appendBacklog(5000);
    bench.answer = saysNothing;
    bench.start();
    await bench.advance(21_000);
    const atFirst = bench.arrivals.length;
    expect(bench.status.lastError).toMatchObject({ code: 'LINK_SILENT' });
    expect(bench.status.link).toBe('up');
    await bench.advance(1_800_000);
    expect(bench.arrivals.length - atFirst).toBeLessThan(91);
    expect(bench.arrivals.length - atFirst).toBeGreaterThan(30);
    expect(bench.logged).toEqual(['the link is up', 'the centre does not answer']);
    bench.answer = storeAll;
    await bench.advance(90_000);
    expect([bench.settled, bench.status.lastError]).toEqual([[[1, 5000]], undefined]);
    expect(bench.logged.at(-1)).toBe('the centre answers again');
  });

  it('is told of an alarm all the same', async () => {
    make();
    await bench.appendBacklog(100);
    bench.answer = saysNothing;
    bench.start();
    await bench.advance(600_000);
    const before = bench.arrivals.length;
    await bench.append(1, { urgent: true });
    await bench.advance(0);
    expect(bench.arrivals.slice(before).map(KINDS)).toEqual(['alarm']);
  });

  it('does not slow down because one batch was lost among others that were answered', async () => {
    make();
    bench.answer = (batch) => (batch.batch === 2 ? [] : storeAll(batch));
    bench.start();
    for (let second = 0; second < 30; second += 1) {
      await bench.append(1);
      await bench.advance(1000);
    }
    expect([bench.settled, bench.stats.pending]).toEqual([[[1, 30]], 0]);
    expect(bench.logged).toEqual(['the link is up']);
  });
});
