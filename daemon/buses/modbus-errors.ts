import { MooringError, type Retry } from '../../runtime/errors.ts';

/** Where a request went, for the log. */
export type ModbusPlace = { readonly unit?: number; readonly kind?: 'holding' | 'input'; readonly address?: number } & (
  | { readonly path: string }
  | { readonly host: string; readonly port: number }
);

interface Exception {
  readonly name: string;
  readonly hint: string;
  readonly retry?: Retry;
}

const WRONG_REGISTER =
  'The device has no such register, or not so many in a row: check `register`, `kind` and `type` against its manual, which may count from 1.';
const WAIT = 'It is busy; ask it less often.';

/** Exception codes by their names (MODBUS Application Protocol V1.1b3, section 7). */
const EXCEPTIONS: Readonly<Record<number, Exception>> = {
  1: { name: 'illegal function', hint: 'The device does not know this kind of register: try the other `kind`.' },
  2: { name: 'illegal data address', hint: WRONG_REGISTER },
  3: { name: 'illegal data value', hint: WRONG_REGISTER },
  4: { name: 'server device failure', hint: 'The device says that it has failed.' },
  5: { name: 'acknowledge', hint: WAIT, retry: 'now' },
  6: { name: 'server device busy', hint: WAIT, retry: 'now' },
  8: { name: 'memory parity error', hint: 'The device says that its memory is damaged.' },
  10: { name: 'gateway path unavailable', hint: 'The gateway has no line to this `unit`: check its configuration.' },
  11: {
    name: 'gateway target device failed to respond',
    hint: 'The gateway has no answer of this `unit`: power, wiring, address.',
    retry: 'now',
  },
};

/** What the library said about an answer that came. */
export function answerError(cause: Error & { readonly modbusCode?: number }, place: ModbusPlace): MooringError {
  if (cause.modbusCode === undefined) {
    return new MooringError('READING_DAMAGED', 'the answer on the Modbus line is damaged', { cause, context: place });
  }
  const { name, hint, retry } = EXCEPTIONS[cause.modbusCode] ?? {
    name: `exception ${cause.modbusCode}`,
    hint: 'See the manual of the device.',
  };
  return new MooringError('SENSOR_FAILED', `the Modbus device answers: ${name}`, {
    context: { ...place, exception: cause.modbusCode },
    hint,
    ...(retry === undefined ? {} : { retry }),
  });
}

/** Nothing came, or nothing that could be made out. A disturbance may be the reason, so that it is tried again at once. */
export function noAnswerError(place: ModbusPlace, limitMs: number, heard: number): MooringError {
  const context = { ...place, limitMs: Math.round(limitMs) };
  if (heard > 0) {
    const hint =
      'Check `baud` and `parity`, A and B, the terminators at both ends, and that no two devices have one address.';
    return new MooringError('READING_DAMAGED', 'what came on the Modbus line is no answer', {
      context: { ...context, heard },
      hint,
    });
  }
  return new MooringError('DEADLINE', 'the Modbus device did not answer in time', {
    context,
    retry: 'now',
    hint: 'Check its power, `unit`, `baud` and `parity`, and A and B, which makers name either way round.',
  });
}

/** The operating error for a connection that could not be made. */
export function connectError(cause: Error, place: ModbusPlace): MooringError {
  return new MooringError('PORT_ABSENT', 'the Modbus device cannot be reached in the network', {
    cause,
    context: place,
    hint: 'Check `host` and `port` (502 is usual); many a device takes one connection only.',
  });
}

/** The operating error for a connection that is gone. */
export function lostConnectionError(place: ModbusPlace, cause?: Error): MooringError {
  return new MooringError('PORT_LOST', 'the connection to the Modbus device is gone', {
    ...(cause === undefined ? {} : { cause }),
    context: place,
  });
}

/** The operating error for a second sensor that wants the line to be otherwise. */
export function otherSettingsError(place: ModbusPlace): MooringError {
  return new MooringError('PORT_BUSY', 'another sensor has this Modbus line open with other settings', {
    context: place,
    hint: 'Give all sensors of one line the same `baud`, `parity` and `stop_bits`.',
  });
}
