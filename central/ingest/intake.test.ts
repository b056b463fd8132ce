import { beforeEach, expect, test } from 'vitest';
import type { Ack } from '../../protocol/ack.ts';
import { decodeAck } from '../../protocol/ack-codec.ts';
import { writePreamble } from '../../protocol/codec/preamble.ts';
import { runIdOf } from '../../protocol/ids.ts';
import type { Range } from '../../protocol/intervals.ts';
import { MooringError } from '../../runtime/errors.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { batchOf, saltOf, samplesOf, tokenOf } from '../../test/batches.ts';
import { LogLines } from '../../test/log-lines.ts';
import { ScriptedHeld } from '../../test/scripted-held.ts';
import { ScriptedLog } from '../../test/scripted-log.ts';
import type { DeadLetter, DeadLetters } from './dead-letter.ts';
import { Intake, type IntakeOptions } from './intake.ts';

const SALT = saltOf(1);
const RUN = runIdOf('plaka', SALT);

/** What happened in log, dead letter and answers, in order. */
let happened: string[];

class ScriptedDeadLetters implements DeadLetters {
  readonly letters: DeadLetter[] = [];
  error: Error | undefined;

  async append(letters: readonly DeadLetter[]): Promise<void> {
    if (this.error !== undefined) throw this.error;
    happened.push('dead letter');
    this.letters.push(...letters);
  }
}

let clock: SteppedClock;
let script: ScriptedLog;
let dead: ScriptedDeadLetters;
let lines: LogLines;
let acks: Ack[];
beforeEach(() => {
  clock = new SteppedClock();
  script = new ScriptedLog(() => happened.push('stored'));
  dead = new ScriptedDeadLetters();
  happened = [];
  lines = new LogLines();
  acks = [];
});

function intakeOf(options: Partial<IntakeOptions> = {}): Intake {
  return new Intake({ recordLog: script, deadLetters: dead, clock, log: lines, bytesMax: 1_000_000, ...options });
}

function send(intake: Intake, bytes: Uint8Array, gateway = 'plaka'): void {
  intake.receive(gateway, bytes, (ack) => {
    acks.push(decodeAck(ack));
    happened.push('ack');
  });
}

const batch = (sequences: readonly number[], number = 1): Uint8Array =>
  batchOf({ salt: SALT, records: samplesOf(sequences), batch: number });
const named = (number = 1) => ({ salt: SALT, batch: number, token: tokenOf(number) });
const ONE: readonly Range[] = [[1, 1]];

test('a batch is answered when the log has it, and not before', async () => {
  const intake = intakeOf();
  send(intake, batch([1, 2, 3, 9]));
  await clock.advance(1000);
  expect(acks).toEqual([]);
  expect(script.entries).toMatchObject([{ gateway: 'plaka', run: RUN }]);
  expect(intake.stats.bytesWaiting).toBeGreaterThan(0);

  script.store();
  await intake.idle();
  expect(acks).toEqual([
    {
      ...named(),
      stored: [
        [1, 3],
        [9, 9],
      ],
    },
  ]);
  expect(intake.stats).toMatchObject({ batches: 1, stored: 4, bytesWaiting: 0 });
});

test('many batches are under way at once, and each is answered with its own name', async () => {
  const intake = intakeOf();
  for (let number = 1; number <= 20; number += 1) send(intake, batch([number], number));
  expect(script.waiting).toBe(20);
  for (let number = 1; number <= 20; number += 1) script.store();
  await intake.idle();
  expect(acks).toEqual(Array.from({ length: 20 }, (_, at) => ({ ...named(at + 1), stored: [[at + 1, at + 1]] })));
});

test('the same batch twice at once is answered twice, and counts once as stored', async () => {
  const intake = intakeOf();
  send(intake, batch([1]));
  send(intake, batch([1]));
  script.store();
  script.store({ repeated: 1 });
  await intake.idle();
  expect(acks).toEqual([
    { ...named(), stored: ONE },
    { ...named(), stored: ONE },
  ]);
  expect(intake.stats).toMatchObject({ stored: 1, duplicates: 1 });
});

test('what the ledger knows is answered at once, and only the rest goes to the log', async () => {
  const ledger = { isAcknowledged: (run: string, sequence: number) => run === RUN && sequence <= 5 };
  const intake = intakeOf({ ledger });
  send(intake, batch([1, 2, 5]));
  await intake.idle();
  expect(script.entries).toEqual([]);
  expect(acks).toEqual([
    {
      ...named(),
      stored: [
        [1, 2],
        [5, 5],
      ],
    },
  ]);

  send(intake, batch([4, 5, 6, 7], 2));
  expect(script.entries[0]?.records.map(({ sequence }) => sequence)).toEqual([6, 7]);
  script.store();
  await intake.idle();
  expect(acks[1]).toEqual({ ...named(2), stored: [[4, 7]] });
  expect(intake.stats).toMatchObject({ stored: 2, duplicates: 5 });
  // Under another gateway's name it is another run.
  send(intake, batch([1, 2]), 'ikaros');
  expect(script.entries[1]?.records.map(({ sequence }) => sequence)).toEqual([1, 2]);
});

test('held is passed on', async () => {
  const intake = intakeOf();
  send(intake, batch([1, 2]));
  script.store({ held: [2] });
  await intake.idle();
  expect(acks).toEqual([{ ...named(), stored: ONE, held: { ranges: [[2, 2]], seconds: 600 } }]);
});

test('what is held is answered again when it is stored, hours later, and counts as stored then', async () => {
  const held = new ScriptedHeld(RUN);
  const intake = intakeOf({ held });
  send(intake, batch([1, 2, 3]));
  held.hold([2, 3]);
  script.store({ held: [2, 3] });
  await intake.idle();
  const waits = { ranges: [[2, 3]], seconds: 600 };
  expect(acks).toEqual([{ ...named(), stored: ONE, held: waits }]);
  expect(intake.stats).toMatchObject({ stored: 1, held: 2, duplicates: 0, bytesWaiting: 0 });
  await clock.advance(70_000 + 3_600_000);
  expect(acks.slice(1)).toEqual(Array.from({ length: 14 }, () => ({ ...named(), held: waits })));
  held.store([2, 3]);
  await clock.advance(1000);
  expect(acks.at(-1)).toEqual({ ...named(), stored: [[2, 3]] });
  expect(intake.stats).toMatchObject({ stored: 3, held: 0, duplicates: 0 });
});

test('what is held alone is said a moment later, of several batches at once; what is stored is said at once', async () => {
  const held = new ScriptedHeld(RUN);
  const intake = intakeOf({ held });
  const onHeld = (): void => void happened.push('held');
  const way = {};
  for (const number of [1, 2, 3]) {
    const answer = (ack: Uint8Array): void => void acks.push(decodeAck(ack));
    intake.receive('plaka', batch([number], number), answer, { way, onHeld });
  }
  held.hold([1, 2]);
  script.store({ held: [1] });
  script.store({ held: [2] });
  script.store();
  await intake.idle();
  expect(acks).toEqual([{ ...named(3), stored: [[3, 3]] }]);
  expect(intake.stats).toMatchObject({ held: 2, busy: 0 });
  await clock.advance(1000);
  expect(acks.slice(1)).toEqual([{ ...named(3), held: { ranges: [[1, 2]], seconds: 600 } }]);
  expect(happened.filter((what) => what === 'held')).toHaveLength(2);
});

test('what a sink has put into the dead letter is not put there again, and counts as rejected', async () => {
  const intake = intakeOf();
  send(intake, batch([1, 2]));
  script.store({ rejected: [2], isKept: true });
  await intake.idle();
  expect(acks).toEqual([
    { ...named(), stored: ONE },
    { ...named(), rejected: [{ code: 'sink:lake', ranges: [[2, 2]] }] },
  ]);
  expect(dead.letters).toEqual([]);
  expect(intake.stats).toMatchObject({ stored: 1, rejected: 1 });
});

test('once closed nothing more is said of what is held', async () => {
  const held = new ScriptedHeld(RUN);
  const intake = intakeOf({ held });
  send(intake, batch([1]));
  held.hold([1, 1]);
  script.store({ held: [1] });
  await intake.idle();
  await intake.close();
  held.store([1, 1]);
  await clock.advance(600_000);
  expect(acks).toHaveLength(1);
  expect(clock.pendingTimers).toBe(0);
});

test('what the log rejects is in the dead letter before it is answered', async () => {
  const intake = intakeOf();
  send(intake, batch([1, 2, 3]));
  script.store({ rejected: [2, 3] });
  await intake.idle();
  expect(happened).toEqual(['stored', 'dead letter', 'ack']);
  expect(acks).toEqual([{ ...named(), stored: ONE, rejected: [{ code: 'too_large', ranges: [[2, 3]] }] }]);
  expect(dead.letters).toMatchObject([
    { code: 'too_large', reason: 'larger than it may be', gateway: 'plaka', run: RUN, sequence: 2 },
    { code: 'too_large', gateway: 'plaka', run: RUN, sequence: 3, receivedAtMs: clock.wallMs() },
  ]);
  expect(dead.letters.map(({ json }) => (JSON.parse(json) as { temperature: number }).temperature)).toEqual([
    20.02, 20.03,
  ]);
  expect(intake.stats).toMatchObject({ stored: 1, rejected: 2 });
});

test('while the dead letter cannot be written nothing is called rejected, and the others are answered', async () => {
  const intake = intakeOf();
  dead.error = new MooringError('SINK_FAILED', 'full');
  for (let repeat = 0; repeat < 2; repeat += 1) {
    send(intake, batch([1, 2]));
    script.store({ rejected: [2] });
    await intake.idle();
  }
  expect(acks).toEqual([
    { ...named(), stored: ONE },
    { ...named(), stored: ONE },
  ]);
  expect(intake.stats).toMatchObject({ stored: 2, rejected: 0, isDeadLetterFailing: true, isLogFailing: false });

  send(intake, batch([2], 2));
  script.store({ rejected: [2] });
  await intake.idle();
  expect(acks[2]).toEqual({ ...named(2), busy: { retryAfterMs: 2000 } });

  dead.error = undefined;
  send(intake, batch([1, 2]));
  script.store({ rejected: [2] });
  await intake.idle();
  expect(acks[3]).toMatchObject({ stored: ONE, rejected: [{ code: 'too_large', ranges: [[2, 2]] }] });
  expect(intake.stats).toMatchObject({ busy: 1, rejected: 1, isDeadLetterFailing: false });
  expect(lines.said).toEqual([
    'error: refused records cannot be kept: they stay with the gateways',
    'info: refused records are kept again',
  ]);
});

test('a log that fails makes every batch busy, and the log says so once, whatever repeats come in between', async () => {
  const intake = intakeOf({ ledger: { isAcknowledged: (_, sequence) => sequence === 9 } });
  for (let number = 1; number <= 3; number += 1) {
    send(intake, batch([number], number));
    script.fail(new MooringError('LOG_FAILED', 'a sink did not take the records'));
    send(intake, batch([9], 9));
    await intake.idle();
  }
  acks = acks.filter(({ batch: number }) => number !== 9);
  expect(acks).toEqual([1, 2, 3].map((number) => ({ ...named(number), busy: { retryAfterMs: 2000 } })));
  expect(intake.stats).toMatchObject({ busy: 3, stored: 0, bytesWaiting: 0, isLogFailing: true });
  send(intake, batch([1], 4));
  script.store();
  await intake.idle();
  expect(acks[3]).toEqual({ ...named(4), stored: ONE });
  expect(intake.stats.isLogFailing).toBe(false);
  expect(lines.said).toEqual([
    'error: records cannot be stored: gateways are told to come back later',
    'info: records are stored again',
  ]);
});

test('a bug in the log is no reason to go on', async () => {
  const intake = intakeOf();
  send(intake, batch([1]));
  const idle = intake.idle();
  script.fail(new TypeError('a bug'));
  await expect(idle).rejects.toThrow(TypeError);
  expect(acks).toEqual([]);
});

test('beyond the bound a batch is busy and forgotten, until there is room again', async () => {
  const measured = intakeOf({ recordLog: new ScriptedLog(() => happened.push('stored')) });
  send(measured, batch([1]));
  const intake = intakeOf({ bytesMax: 2 * measured.stats.bytesWaiting + 10 });
  send(intake, batch([1], 1));
  send(intake, batch([2], 2));
  send(intake, batch([3], 3));
  send(intake, batch([4], 4));
  expect(acks).toEqual([3, 4].map((number) => ({ ...named(number), busy: { retryAfterMs: 2000 } })));
  expect(script.waiting).toBe(2);
  script.store();
  await clock.advance(0);
  send(intake, batch([3], 5));
  expect(script.waiting).toBe(2);
  script.store();
  script.store();
  await intake.idle();
  expect(acks.slice(2).map(({ stored }) => stored)).toEqual([[[1, 1]], [[2, 2]], [[3, 3]]]);
  expect(intake.stats).toMatchObject({ busy: 2, stored: 3, bytesWaiting: 0 });
});

test('what a batch decodes to counts against the bound, not only what it weighed on the wire', () => {
  const sequences = Array.from({ length: 1000 }, (_, index) => index + 1);
  const large = batch(sequences);
  expect(large.length).toBeLessThan(10_000);
  const intake = intakeOf({ bytesMax: 100_000 });
  send(intake, large);
  expect(intake.stats.bytesWaiting).toBeGreaterThan(100_000);
  send(intake, batch([2000], 2));
  expect(acks).toEqual([{ ...named(2), busy: { retryAfterMs: 2000 } }]);
});

test('a full intake is told of once, and again when it has had room for a while', async () => {
  const intake = intakeOf({ bytesMax: 1 });
  const fill = (): void => {
    send(intake, batch([1], 1));
    send(intake, batch([2], 2));
  };
  fill();
  script.store();
  await clock.advance(9000);
  fill();
  script.store();
  await clock.advance(9000);
  expect(lines.said).toEqual(['warn: the intake is full: gateways are told to come back later']);
  await clock.advance(1000);
  send(intake, batch([1], 1));
  expect(lines.said.slice(1)).toEqual(['info: the intake has room again']);
});

test('a batch of a newer version is answered with the version that this centre reads', () => {
  const intake = intakeOf();
  const newer = batch([1]);
  writePreamble(newer, { ...named(), version: 2 });
  send(intake, newer);
  expect(acks).toEqual([{ ...named(), versionMax: 1 }]);
  expect(intake.stats).toMatchObject({ unreadable: 1 });
});

test('a body that cannot be read is answered, a preamble that cannot be read is counted', () => {
  const intake = intakeOf();
  const damaged = batch([1, 2, 3]);
  damaged[damaged.length - 6] = (damaged[damaged.length - 6] as number) ^ 1;
  send(intake, damaged);
  expect(acks).toEqual([{ ...named(), unreadable: true }]);
  const nameless = batch([1]);
  nameless[8] = (nameless[8] as number) ^ 1;
  send(intake, nameless);
  send(intake, new Uint8Array());
  send(intake, new TextEncoder().encode('{"temperature": 20}'));
  expect(acks).toHaveLength(1);
  expect(intake.stats).toMatchObject({ batches: 4, unreadable: 1, notABatch: 3 });
  expect(script.entries).toEqual([]);
});

test('once closed it takes nothing, and has answered what it took', async () => {
  const intake = intakeOf();
  send(intake, batch([1], 1));
  const closed = intake.close();
  send(intake, batch([2], 2));
  expect(acks).toEqual([{ ...named(2), busy: { retryAfterMs: 2000 } }]);
  script.store();
  await closed;
  expect(acks[1]).toEqual({ ...named(1), stored: ONE });
});
