import { SeededRandom } from '../../../runtime/random.ts';
import type { DeviceMessage, DeviceTalker } from './device.ts';

export interface Disturbance {
  readonly seed: number;
  /** Chance of each message that it never leaves; 0 when left out, as of all the others. */
  readonly loss?: number;
  /** Chance that it is sent once more, up to `lateMs` later. */
  readonly duplicates?: number;
  /** Chance that it is sent up to `lateMs` later than it should be, and others overtake it. */
  readonly reorder?: number;
  /** Chance that bytes leave that are no message any more. */
  readonly malformed?: number;
  /** 5,000 ms when left out. */
  readonly lateMs?: number;
}

export interface DisturbedMessage extends DeviceMessage {
  /** `lost` is not to be sent; `lost` and `malformed` are no reading at the centre, `copy` is none beyond that of `sent`. */
  readonly fate: 'sent' | 'copy' | 'lost' | 'malformed';
}

const LATE_MS = 5000;
/** What a device says while it starts. */
const NOISE = Buffer.from('ets Jun  8 2016 00:22:57 rst:0x10 (RTCWDT_RTC_RESET)');

/**
 * What a poor link and a poor device make of a talker: loss, copies, another order, bytes that are no message. `truth` stays
 * that of the message it was. In the order of `atMs`; the same seed gives the same.
 */
export function* disturbed(talker: DeviceTalker, disturbance: Disturbance): Generator<DisturbedMessage, never, void> {
  const { seed, loss = 0, duplicates = 0, reorder = 0, malformed = 0, lateMs = LATE_MS } = disturbance;
  const random = new SeededRandom(seed);
  const late = (message: DeviceMessage): DeviceMessage => ({
    ...message,
    atMs: message.atMs + 1 + random.integer(lateMs),
  });
  let waiting: DisturbedMessage[] = [];
  for (const message of talker) {
    const due = waiting.filter(({ atMs }) => atMs <= message.atMs).sort((a, b) => a.atMs - b.atMs);
    waiting = waiting.filter(({ atMs }) => atMs > message.atMs);
    yield* due;
    // Each draws for itself, so that one more of the one kind changes nothing of the others.
    const [isLost, isTwice, isLate, isBroken] = [loss, duplicates, reorder, malformed].map((p) => random.uniform() < p);
    const sent: DisturbedMessage = isLost
      ? { ...message, fate: 'lost' }
      : isBroken
        ? { ...message, bytes: broken(message.bytes, random), fate: 'malformed' }
        : { ...message, fate: 'sent' };
    if (isTwice && sent.fate === 'sent') waiting.push({ ...late(message), fate: 'copy' });
    if (isLate && sent.fate !== 'lost') waiting.push({ ...late(message), bytes: sent.bytes, fate: sent.fate });
    else yield sent;
  }
  throw new Error('a talker has no end');
}

/** Never what any format could read: its first third, a byte that is in no UTF-8, or what a reset says. */
function broken(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const kind = random.integer(3);
  if (kind === 0) return bytes.slice(0, Math.floor(bytes.length / 3));
  if (kind === 1) return NOISE;
  const at = random.integer(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), Buffer.of(0xff), bytes.subarray(at)]);
}
