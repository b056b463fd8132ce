import type { MetricValue } from '../../../protocol/record.ts';

/** What is true of a device at one instant: what a centre has to make of its message. */
export interface DeviceTruth {
  /** The device's own name for itself. */
  readonly sourceId: string;
  /** UTC, milliseconds since 1970; undefined where the message says no time. */
  readonly timestampMs: number | undefined;
  /** In the registry's metrics and units, or `x_…`. */
  readonly metrics: Readonly<Record<string, MetricValue>>;
}

/** A message of an existing device, to be sent at its time. */
export interface DeviceMessage {
  /** UTC of the simulated clock, milliseconds. */
  readonly atMs: number;
  /** Where the device says it by MQTT or Kafka. */
  readonly topic: string | undefined;
  readonly bytes: Uint8Array;
  readonly truth: readonly DeviceTruth[];
}

/** Without end, in the order of `atMs`, and the same for the same seed. Sends nothing: whoever takes it keeps the time. */
export type DeviceTalker = Generator<DeviceMessage, never, void>;

/** Several talkers as one, in the order of their messages' times; of equal times the first talker's first. */
export function* together(talkers: readonly DeviceTalker[]): DeviceTalker {
  const heads = talkers.map((talker) => ({ talker, message: talker.next().value }));
  for (;;) {
    const next = heads.reduce((first, head) => (head.message.atMs < first.message.atMs ? head : first));
    yield next.message;
    next.message = next.talker.next().value;
  }
}

/** A number as sensors write it, with so many digits after the point at the most. */
export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits)) + 0;
}
