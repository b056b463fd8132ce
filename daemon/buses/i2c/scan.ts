import { MooringError } from '../../../runtime/errors.ts';
import type { I2cJob } from '../machine.ts';
import type { I2cBus } from './bus.ts';
import { codeOf } from './errors.ts';

/** Below and above are addresses with meanings of their own (NXP UM10204, table 4). */
const FIRST = 0x08;
const LAST = 0x77;

/**
 * An address alone, as a write, makes some memories write; these are read instead, though others may hang on a read
 * (i2c-tools, i2cdetect(8), its default mode).
 */
const READ_RANGES: readonly (readonly [first: number, last: number])[] = [
  [0x30, 0x37],
  [0x50, 0x5f],
];

/** Who answers on the bus; see `I2cPorts.scan`. */
export async function scanBus(bus: I2cBus, signal: AbortSignal): Promise<number[]> {
  const user = {};
  try {
    await bus.retain(user, signal);
    return await scan(bus, signal);
  } finally {
    await bus.release(user);
  }
}

async function scan(bus: I2cBus, signal: AbortSignal): Promise<number[]> {
  const found: number[] = [];
  let failed: { readonly error: MooringError; readonly count: number } | undefined;
  for (let address = FIRST; address <= LAST; address += 1) {
    const answer = await ask(bus, address, signal);
    if (answer === true) found.push(address);
    if (answer instanceof MooringError) failed = { error: answer, count: (failed?.count ?? 0) + 1 };
  }
  // One chip that babbles is passed over; a wire that is held low fails everywhere.
  if (failed?.count === LAST - FIRST + 1) throw failed.error;
  return found;
}

/** Whether somebody answers, or what went wrong on the wire. */
async function ask(bus: I2cBus, address: number, signal: AbortSignal): Promise<boolean | MooringError> {
  const read: I2cJob = { address, readLength: 1 };
  const isRead = READ_RANGES.some(([first, last]) => address >= first && address <= last);
  const answer = await probe(bus, isRead ? read : { address, write: new Uint8Array() }, signal);
  const cannotSendAddressAlone = !isRead && answer instanceof MooringError && codeOf(answer.cause) === 'ENOTSUP';
  return cannotSendAddressAlone ? await probe(bus, read, signal) : answer;
}

async function probe(bus: I2cBus, job: I2cJob, signal: AbortSignal): Promise<boolean | MooringError> {
  try {
    await bus.transact(job, signal, { isRepeated: false });
    return true;
  } catch (error) {
    if (!(error instanceof MooringError)) throw error;
    if (error.code === 'I2C_NO_DEVICE') return false;
    if (error.code === 'PORT_BUSY') return true;
    if (error.code === 'BUS_FAILED' && error.retry !== 'never') return error;
    throw error;
  }
}
