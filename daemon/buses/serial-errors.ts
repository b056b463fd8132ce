import { type ErrorCode, MooringError } from '../../runtime/errors.ts';

interface Failure {
  readonly words: RegExp;
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
}

/**
 * serialport's native part puts only the C library's words for the errno into its errors, no code, so the words are what
 * can be looked at (strerror(3) in the C locale, which Node never leaves; `lock` is its own word for a failed flock(2)).
 * Other machines than this one say the code.
 */
const FAILURES: readonly Failure[] = [
  {
    words: /EBUSY|lock port|Device or resource busy/,
    code: 'PORT_BUSY',
    message: 'another program has the serial port open',
    hint: 'Find it with `fuser -v PORT`; gpsd, ModemManager and a login console (serial-getty) are usual.',
  },
  {
    words: /EACCES|EPERM|Permission denied|Operation not permitted/,
    code: 'PORT_PERMISSION',
    message: 'this user may not open the serial port',
    hint: 'Add the user to the group that owns it: `sudo usermod -aG dialout USER`, then log in or start the service again.',
  },
  {
    words: /ENOENT|ENODEV|ENXIO|No such file or directory|No such device/,
    code: 'PORT_ABSENT',
    message: 'there is no such serial port',
    hint: 'Is it plugged in? `ls -l /dev/serial/by-id/` names those that are; write that stable name into the configuration.',
  },
];

/** What stands under the name is no serial port: a file, or a UART's name without a UART. */
const NO_PORT: Omit<Failure, 'words'> = {
  code: 'PORT_ABSENT',
  message: 'what has this name does not work as a serial port',
  hint: 'Check `port` and `baud`; `ls -l /dev/serial/by-id/` names the ports that are plugged in.',
};

/** The operating error for a port that did not open. */
export function openError(path: string, cause: Error): MooringError {
  const { code, message, hint } = FAILURES.find(({ words }) => words.test(cause.message)) ?? NO_PORT;
  return new MooringError(code, message, { cause: unprefixed(cause), context: { path }, hint });
}

/** The native part writes `Error: ` into the message itself: whoever prints the cause would show it in mid-sentence. */
function unprefixed(cause: Error): Error {
  return cause.message.startsWith('Error: ') ? new Error(cause.message.slice('Error: '.length), { cause }) : cause;
}

/** The operating error for a port that was open and is gone. */
export function lostError(path: string, cause: Error | undefined): MooringError {
  return new MooringError('PORT_LOST', 'the serial port is gone', {
    ...(cause === undefined ? {} : { cause }),
    context: { path },
    hint: 'Unplugged, or its power failed. It is opened again by its name; a name under /dev/serial/by-id finds it at any socket.',
  });
}

/** The operating error for a port without a byte for too long. */
export function silentError(path: string, silenceMs: number): MooringError {
  return new MooringError('PORT_SILENT', 'nothing comes from the serial port', {
    context: { path, silenceMs },
    hint: 'Check that the device has power and talks, the wiring (its TX or A to our RX), and `baud`.',
  });
}
