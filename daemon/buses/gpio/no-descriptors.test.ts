import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { silentLog } from '../../../runtime/log.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { openGpiodInput } from './gpiod-input.ts';
import { GuardLink } from './guard-link.ts';
import { LineFinder } from './line-finder.ts';

/** What Node gives where the system has no descriptor left: a child without streams, and an error soon (EMFILE). */
function spawn(): ChildProcess {
  const child = Object.assign(new EventEmitter(), { kill: () => false });
  process.nextTick(() => child.emit('error', new Error('spawn EMFILE')));
  return child as unknown as ChildProcess;
}

const clock = new SteppedClock();
const found = { by: 'gpiod', version: 2, chip: 'gpiochip0', offset: 23 } as const;
const { signal } = new AbortController();

test('an input that no listener can be started for is lost, and nothing else', async () => {
  const finder = new LineFinder({ clock, log: silentLog, spawn, dev: '/dev', sys: '/sys', onoff: 'onoff' });
  const settings = { line: 'GPIO23', bias: 'up', edge: 'both', debounceMs: 0 } as const;
  const place = { clock, log: silentLog, spawn, finder, kernelMs: () => 0 };
  const opening = expect(openGpiodInput(settings, found, place, signal)).rejects.toMatchObject({ code: 'PORT_LOST' });
  await clock.advance(1000);
  await opening;
});

test('an output that no guard can be started for has failed, and nothing else', async () => {
  const guard = new GuardLink({ clock, log: silentLog, spawn, node: 'node' });
  const listener = { onLost: () => undefined, onRested: () => undefined };
  await expect(guard.open('GPIO23', found, { safe: 0, on: 1 }, listener)).rejects.toMatchObject({
    code: 'ACTUATOR_FAILED',
  });
});
