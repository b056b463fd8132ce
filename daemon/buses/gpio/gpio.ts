import { spawn } from 'node:child_process';
import type { Clock } from '../../../runtime/clock.ts';
import type { Log } from '../../../runtime/log.ts';
import type { Machine } from '../machine.ts';
import type { GpioChip } from './found-line.ts';
import { LineInput } from './gpio-input.ts';
import { GuardLink } from './guard-link.ts';
import { GuardedOutput } from './guarded-output.ts';
import { LineFinder } from './line-finder.ts';
import type { Spawn } from './tether.ts';

export interface GpioPlace {
  readonly clock: Clock;
  readonly log: Log;
  /** Default: this machine's. */
  readonly spawn?: Spawn;
  /** Default `/dev`. */
  readonly dev?: string;
  /** Default `/sys`. */
  readonly sys?: string;
  /** Where libgpiod's tools are; default: where `PATH` says. */
  readonly toolsFolder?: string;
  /** What to import for the package `onoff`. */
  readonly onoff?: string;
  /** The kernel's monotonic clock in milliseconds, on which it stamps edges. */
  readonly kernelMs?: () => number;
}

/** The GPIO lines of a machine. Nothing is started, and no line is looked for, before the first `open` or `listLines`. */
export interface Gpio extends Pick<Machine, 'gpioInput' | 'output'> {
  /** Chips and their lines. Throws `PORT_ABSENT`, `PORT_PERMISSION`. */
  listLines(): Promise<GpioChip[]>;
  /** The process id of the guard, where one runs. */
  guardPid(): number | undefined;
  /** Ends the guard: every output at its safe level, and given back. Inputs are their owners' to close. */
  close(): Promise<void>;
}

/** The GPIO side of `Machine`: lines by name or label, inputs by gpiomon, outputs by a guard that outlives this process. */
export function gpioOf(place: GpioPlace): Gpio {
  const { clock, log, toolsFolder } = place;
  const start = place.spawn ?? spawn;
  const finder = new LineFinder({
    clock,
    log,
    spawn: start,
    dev: place.dev ?? '/dev',
    sys: place.sys ?? '/sys',
    onoff: place.onoff ?? 'onoff',
    ...(toolsFolder === undefined ? {} : { toolsFolder }),
  });
  const guard = new GuardLink({ clock, log, spawn: start, node: process.execPath });
  const inputs = { clock, log, spawn: start, finder, kernelMs: place.kernelMs ?? kernelMonotonicMs };
  return {
    gpioInput: (settings) => new LineInput(settings, inputs),
    output: (settings) => new GuardedOutput(settings, clock, finder, guard),
    listLines: () => finder.list(),
    guardPid: () => guard.pid,
    close: () => guard.close(),
  };
}

/** CLOCK_MONOTONIC, without the origin that `performance.now` takes off. */
function kernelMonotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
