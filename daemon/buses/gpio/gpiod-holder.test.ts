import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { MooringError } from '../../../runtime/errors.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { GpiodHolder } from './gpiod-holder.ts';

/** A program that was started, and lives until the test ends it. */
class Started extends EventEmitter {
  readonly program: string;
  readonly pid = 1;
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  /** To the shell in its shadow. */
  readonly pipe = new PassThrough();
  readonly stdio = [null, this.stdout, this.stderr, this.pipe];

  constructor(program: string) {
    super();
    this.program = program;
  }

  kill(): boolean {
    this.end(null);
    return true;
  }

  end(status: number | null): void {
    this.emit('exit', status);
    this.emit('close', status);
  }

  /** What the shell does: it waits, is dismissed, or says its last words. */
  get shell(): 'waits' | 'dismissed' | 'speaks' {
    if (!this.pipe.writableEnded) return 'waits';
    return this.pipe.read() === null ? 'speaks' : 'dismissed';
  }
}

/** What Node gives where the system has no descriptor left (`child_process.spawn`, EMFILE). */
function notStarted(): ChildProcess {
  const child = new EventEmitter();
  process.nextTick(() => child.emit('error', new Error('spawn sh EMFILE')));
  return child as ChildProcess;
}

async function held() {
  const clock = new SteppedClock();
  const started: Started[] = [];
  const lost: MooringError[] = [];
  const machine = { isFull: false };
  const spawn = (program: string): ChildProcess => {
    if (machine.isFull) return notStarted();
    started.push(new Started(program));
    return started.at(-1) as unknown as ChildProcess;
  };
  const found = { by: 'gpiod', version: 2, chip: 'gpiochip0', offset: 17 } as const;
  const holder = new GpiodHolder({ spawn, clock }, 'GPIO17', found, 0, (error) => lost.push(error));
  const last = (): Started => started.at(-1) as Started;
  const taking = holder.take();
  last().end(0);
  await taking;
  return { clock, holder, lost, last, machine };
}

test.each([
  [0, 'dismissed'],
  [1, 'speaks'],
] as const)(
  'the shell beside a gpioset that somebody kills waits until the safe level is set (status %i)',
  async (status, shell) => {
    const { clock, last, lost } = await held();
    const holding = last();
    holding.end(null);
    await clock.advance(0);
    expect([last().program, holding.shell, lost.length]).toEqual(['gpioset', 'waits', 0]);
    last().end(status);
    await clock.advance(0);
    expect(holding.shell).toBe(shell);
    expect(lost).toMatchObject([{ code: 'ACTUATOR_FAILED' }]);
  },
);

test('where no other level can be set, as no program starts any more, the shell sets the safe one', async () => {
  const { clock, holder, last, lost, machine } = await held();
  const holding = last();
  machine.isFull = true;
  holder.set(1);
  await clock.advance(0);
  expect(holding.shell).toBe('speaks');
  expect(lost).toMatchObject([{ code: 'ACTUATOR_FAILED' }]);
});

test('at the end the shell waits until the safe level is set, and sets it itself where that fails', async () => {
  const { clock, holder, last, lost } = await held();
  const holding = last();
  const releasing = holder.release();
  await clock.advance(0);
  expect([last().program, holding.shell]).toEqual(['gpioset', 'waits']);
  last().end(1);
  await releasing;
  expect(holding.shell).toBe('speaks');
  expect(lost).toEqual([]);
});
