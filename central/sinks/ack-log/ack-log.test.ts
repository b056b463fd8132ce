import { beforeEach, expect, test } from 'vitest';
import { type RunId, recordIdOf } from '../../../protocol/ids.ts';
import { IntervalSet } from '../../../protocol/intervals.ts';
import type { Log } from '../../../runtime/log.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { runOf, span } from '../../../test/conformance/entries.ts';
import { PowerCutDisk } from '../../../test/conformance/power-cut-disk.ts';
import { AckLog } from './ack-log.ts';

const RUN = runOf(1);
const PATH = '/srv/mooring/acks.txt';

/** What the other sinks have. */
class Source {
  readonly sets = new Map<RunId, IntervalSet>();

  add(run: RunId, first: number, last: number): void {
    const set = this.sets.get(run) ?? new IntervalSet();
    set.add(first, last);
    this.sets.set(run, set);
  }

  runs(): Iterable<RunId> {
    return this.sets.keys();
  }

  acknowledged(run: RunId) {
    return this.sets.get(run)?.ranges() ?? [];
  }

  isAcknowledged(run: RunId, sequence: number): boolean {
    return this.sets.get(run)?.has(sequence) ?? false;
  }
}

let disk: PowerCutDisk;
let clock: SteppedClock;
let source: Source;
let logged: [level: string, message: string][];
beforeEach(() => {
  disk = new PowerCutDisk(new SeededRandom(1));
  clock = new SteppedClock();
  source = new Source();
  logged = [];
});

function makeAckLog(): AckLog {
  const at = (level: string) => (_: object, message: string) => void logged.push([level, message]);
  const log: Log = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    child: () => log,
  };
  return new AckLog({ name: 'acks', path: PATH, clock, random: new SeededRandom(2), log, disk });
}

const written = (): string[] => (disk.files('/srv/mooring').get('acks.txt') ?? '').split('\n').slice(0, -1);
const idsOf = (run: RunId, sequences: number[]): string[] => sequences.map((sequence) => recordIdOf(run, sequence));

test('it writes each acknowledged id once, one a line, as acknowledgements come', async () => {
  const acks = makeAckLog();
  acks.start(source);
  await clock.advance(1000);
  source.add(RUN, 1, 3);
  acks.follow(RUN);
  await clock.advance(1000);
  expect(written()).toEqual(idsOf(RUN, [1, 2, 3]));
  source.add(RUN, 2, 6);
  acks.follow(RUN);
  acks.follow(RUN);
  await clock.advance(1000);
  expect(written()).toEqual(idsOf(RUN, span(1, 6)));
  await acks.close();
});

test('closing writes what has been acknowledged by then, without waiting', async () => {
  const acks = makeAckLog();
  acks.start(source);
  await clock.advance(1000);
  source.add(RUN, 1, 2);
  acks.follow(RUN);
  await clock.advance(500);
  source.add(RUN, 3, 9);
  acks.follow(RUN);
  await acks.close();
  expect(written()).toEqual(idsOf(RUN, span(1, 9)));
});

test('at start it catches up with what it has missed, and only that', async () => {
  source.add(RUN, 1, 10);
  const first = makeAckLog();
  first.start(source);
  await clock.advance(1000);
  await first.close();

  const other = runOf(2);
  source.add(RUN, 15, 20);
  source.add(other, 4, 5);
  const second = makeAckLog();
  second.start(source);
  await clock.advance(1000);
  expect(written().sort()).toEqual([...idsOf(RUN, [...span(1, 10), ...span(15, 20)]), ...idsOf(other, [4, 5])].sort());
  await second.close();
});

test('a backlog of more than one commit is caught up in several', async () => {
  source.add(RUN, 1, 120_000);
  const acks = makeAckLog();
  acks.start(source);
  await clock.advance(1000);
  expect(written()).toHaveLength(50_000);
  await clock.advance(2000);
  const ids = written();
  expect(ids).toHaveLength(120_000);
  expect(new Set(ids).size).toBe(120_000);
  await acks.close();
});

test('a broken one is told once, tried again for ever, and then told to work again; nothing is missing or twice', async () => {
  const acks = makeAckLog();
  acks.start(source);
  source.add(RUN, 1, 3);
  await clock.advance(1000);
  Object.assign(disk.fate, { steps: 4, end: 'full' });
  source.add(RUN, 4, 50);
  acks.follow(RUN);
  await clock.advance(10 * 60_000);
  expect(logged.filter(([level]) => level === 'error')).toEqual([
    ['error', 'the log of acknowledgements fails; trying again'],
  ]);
  disk.fate.steps = Number.POSITIVE_INFINITY;
  source.add(RUN, 51, 60);
  await clock.advance(62_000);
  expect(logged.at(-1)).toEqual(['info', 'the log of acknowledgements works again']);
  expect(written()).toEqual(idsOf(RUN, span(1, 60)));
  await acks.close();
});

test('closing does not wait for another process that writes the file, nor for a broken disk', async () => {
  const first = makeAckLog();
  first.start(source);
  await clock.advance(1000);
  const second = makeAckLog();
  second.start(source);
  await clock.advance(1000);
  await second.close();
  await first.close();

  disk.fate.steps = 0;
  disk.fate.end = 'full';
  const third = makeAckLog();
  third.start(source);
  await clock.advance(5000);
  await third.close();
  expect(clock.pendingTimers).toBe(0);
});
