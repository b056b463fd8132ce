import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { SteppedClock } from '../sim/clock.ts';
import { hearStopSignals } from './stop-signal.ts';

function setUp(): { source: EventEmitter; clock: SteppedClock; exits: number[]; signal: AbortSignal; end: () => void } {
  const source = new EventEmitter();
  const clock = new SteppedClock();
  const exits: number[] = [];
  const heard = hearStopSignals(source, clock, (status) => void exits.push(status));
  return { source, clock, exits, signal: heard.signal, end: () => heard[Symbol.dispose]() };
}

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'])('the first %s asks for a clean stop', (name) => {
  const { source, signal, exits } = setUp();
  expect(signal.aborted).toBe(false);
  source.emit(name, name);
  expect(signal.aborted).toBe(true);
  expect(exits).toEqual([]);
});

test('a key that arrives twice, from the terminal and handed on by npm start, is one', async () => {
  const { source, clock, exits } = setUp();
  source.emit('SIGINT', 'SIGINT');
  await clock.advance(300);
  source.emit('SIGINT', 'SIGINT');
  expect(exits).toEqual([]);
});

test('a second signal ends the process at once, with the status of that signal', async () => {
  const { source, clock, exits } = setUp();
  source.emit('SIGTERM', 'SIGTERM');
  await clock.advance(1000);
  source.emit('SIGINT', 'SIGINT');
  source.emit('SIGTERM', 'SIGTERM');
  expect(exits).toEqual([130, 143]);
});

test('nothing is heard any more once it is disposed of', () => {
  const { source, signal, end } = setUp();
  end();
  source.emit('SIGINT', 'SIGINT');
  expect(signal.aborted).toBe(false);
  expect(source.eventNames()).toEqual([]);
});
