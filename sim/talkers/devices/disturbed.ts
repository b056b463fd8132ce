import { SeededRandom } from '../../../runtime/random.ts';
import type { DeviceMessage } from './device.ts';

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
  /** Whether the way takes text only, and bytes that are none cannot be sent; false when left out. */
  readonly textOnly?: boolean;
}

export interface DisturbedMessage extends DeviceMessage {
  /** Which of the talker's it is, from 1; a copy has the number of what it is a copy of. */
  readonly number: number;
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
export function* disturbed(
  talker: Iterable<DeviceMessage>,
  disturbance: Disturbance,
): Generator<DisturbedMessage, void, void> {
  const { seed, loss = 0, duplicates = 0, reorder = 0, malformed = 0, lateMs = LATE_MS } = disturbance;
  const kinds = disturbance.textOnly === true ? 2 : 3;
  const random = new SeededRandom(seed);
  const late = (message: DisturbedMessage): DisturbedMessage => ({
    ...message,
    atMs: message.atMs + 1 + random.integer(lateMs),
  });
  let waiting: DisturbedMessage[] = [];
  let number = 0;
  for (const message of talker) {
    number += 1;
    const due = waiting.filter(({ atMs }) => atMs <= message.atMs).sort((a, b) => a.atMs - b.atMs);
    waiting = waiting.filter(({ atMs }) => atMs > message.atMs);
    yield* due;
    // Each draws for itself, so that one more of the one kind changes nothing of the others.
    const [isLost, isTwice, isLate, isBroken] = [loss, duplicates, reorder, malformed].map((p) => random.uniform() < p);
    const sent: DisturbedMessage = isLost
      ? { ...message, number, fate: 'lost' }
      : isBroken
        ? { ...message, number, bytes: broken(message.bytes, random, kinds), fate: 'malformed' }
        : { ...message, number, fate: 'sent' };
    if (isTwice && sent.fate === 'sent') waiting.push({ ...late(sent), fate: 'copy' });
    if (isLate && sent.fate !== 'lost') waiting.push(late(sent));
    else yield sent;
  }
  yield* waiting.sort((a, b) => a.atMs - b.atMs);
}

/** Never what any format could read: its first third, a byte that is in no UTF-8, or what a reset says. */
function broken(bytes: Uint8Array, random: SeededRandom, kinds: number): Uint8Array {
  const kind = random.integer(kinds);
  if (kind === 0) return bytes.slice(0, Math.floor(bytes.length / 3));
  if (kind === 1) return NOISE;
  const at = random.integer(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), Buffer.of(0xff), bytes.subarray(at)]);
}
