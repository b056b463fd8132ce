import { type ErrorCode, MooringError } from '../../../runtime/errors.ts';
import type { I2cJob } from '../machine.ts';

/** What a transaction was about, for the log: its bus, its address as `i2cdetect` writes it, its multiplexer. */
export type I2cPlace = { readonly bus: string } & Partial<Pick<I2cJob, 'address' | 'mux'>>;

interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
}

const NO_BUS: Failure = {
  code: 'PORT_ABSENT',
  message: 'there is no such I2C bus',
  hint: 'Switch it on: `sudo raspi-config`, Interface Options, I2C. `ls /dev/i2c-*` shows which there are.',
};
const NOT_ALLOWED: Failure = {
  code: 'PORT_PERMISSION',
  message: 'this user may not open the I2C bus',
  hint: 'Add the user to the group that owns it: `sudo usermod -aG i2c USER`, then log in or start the service again.',
};
/** A chip that is absent, or busy. Which of the two codes comes depends on the kernel's driver of the bus: a Pi's says EREMOTEIO. */
const NO_ANSWER: Failure = {
  code: 'I2C_NO_DEVICE',
  message: 'nobody answers at this address of the I2C bus',
  hint: 'Check its power, SDA, SCL and ground, and its address; `i2cdetect -y N` shows who answers on bus N.',
};
const ON_THE_WIRE: Failure = {
  code: 'BUS_FAILED',
  message: 'the transaction failed on the I2C bus',
  hint: 'Short wires, pull-ups of 2 to 5 kΩ, ground beside the signals; or a slower clock (`dtparam=i2c_arm_baudrate=50000`).',
};

/** By what the kernel says (Documentation/i2c/fault-codes.rst). */
const FAILURES: Readonly<Record<string, Failure>> = {
  ENOENT: NO_BUS,
  ENODEV: { ...NO_BUS, message: 'the I2C bus is gone' },
  EACCES: NOT_ALLOWED,
  EPERM: NOT_ALLOWED,
  EBUSY: {
    code: 'PORT_BUSY',
    message: 'a driver of the kernel has this address of the I2C bus',
    hint: 'Remove its `dtoverlay` line from config.txt; `ls /sys/bus/i2c/devices` shows it.',
  },
  ENXIO: NO_ANSWER,
  EREMOTEIO: NO_ANSWER,
  ETIMEDOUT: {
    ...ON_THE_WIRE,
    message: 'a device held the clock of the I2C bus for too long',
    hint: 'A Pi takes badly to chips that stretch the clock: try a slower one (`dtparam=i2c_arm_baudrate=10000`), or `dtoverlay=i2c-gpio`.',
  },
  ENOTSUP: {
    ...ON_THE_WIRE,
    message: 'this I2C bus cannot do such a transaction',
    hint: 'The adapter of a PC, for memory modules say, often speaks SMBus only.',
  },
};

/** The system's code of an error; empty where it has none. */
export function codeOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : '';
}

/** Faults that a repetition may cure, and the pauses before it: the wires were disturbed, the chip was busy, another master won. */
const PAUSES_MS: Readonly<Record<string, readonly number[]>> = {
  EIO: [2, 8],
  ETIMEDOUT: [2, 8],
  EREMOTEIO: [2, 8],
  EAGAIN: [2, 8],
  EINTR: [2, 8],
  ENXIO: [2],
};
/** The bus was closed under us: unplugged, or its process has died. It is opened anew, once. */
const GONE: ReadonlySet<string> = new Set(['ENODEV', 'EBADF', 'ECHILD']);
const GONE_PAUSES_MS: readonly number[] = [2];

/** Whether the bus has to be opened again before it can be used. */
export function isGone(error: unknown): boolean {
  return GONE.has(codeOf(error));
}

/** How long to wait before the transaction is tried again after it failed `failures` times, in milliseconds; undefined: not again. */
export function pauseMs(error: unknown, failures: number): number | undefined {
  const pauses = isGone(error) ? GONE_PAUSES_MS : (PAUSES_MS[codeOf(error)] ?? []);
  return pauses[failures - 1];
}

/** The operating error for what the system said. Anything that is no system's error is a bug, and comes back as it is. */
export function busError(cause: unknown, place: I2cPlace): unknown {
  const code = codeOf(cause);
  if (cause instanceof MooringError || code === '' || code.startsWith('ERR_')) return cause;
  const { code: ours, message, hint } = FAILURES[code] ?? ON_THE_WIRE;
  return new MooringError(ours, message, { cause, context: contextOf(place), hint });
}

/** The operating error for those who come while a call has not come back. */
export function stuckError(place: I2cPlace, by: I2cPlace, stuckMs: number): MooringError {
  return new MooringError('BUS_STUCK', 'a call to the I2C bus has not come back', {
    context: { ...contextOf(place), stuckMs: Math.round(stuckMs), stuckBy: contextOf(by) },
    hint: 'A device holds the clock or the data line. Take the power from the one at `stuckBy`; with a reset line wire it to a GPIO.',
  });
}

/** The operating error for the one whose call has not come back in time. */
export function deadlineError(place: I2cPlace, limitMs: number): MooringError {
  return new MooringError('DEADLINE', 'the I2C bus did not answer in time', {
    context: { ...contextOf(place), limitMs: Math.round(limitMs) },
  });
}

/** The operating error for those who come after the end. */
export function closedError(place: I2cPlace): MooringError {
  return new MooringError('BUS_FAILED', 'the I2C bus is closed', { context: contextOf(place), retry: 'never' });
}

export function contextOf({ bus, address, mux }: I2cPlace): Readonly<Record<string, string>> {
  return {
    bus,
    ...(address === undefined ? {} : { address: hex(address) }),
    ...(mux === undefined ? {} : { mux: `${hex(mux.address)}/${mux.channel}` }),
  };
}

function hex(address: number): string {
  return `0x${address.toString(16).padStart(2, '0')}`;
}
