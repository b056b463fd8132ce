import type { Info, Location, MetricValue } from '../../protocol/record.ts';

/** Names of the formats, as `sources.<name>.format` has them. */
export const FORMAT_NAMES = ['senml', 'flat-json', 'buoy-json', 'lorawan', 'lines', 'mapping'] as const;
export type FormatName = (typeof FORMAT_NAMES)[number];

/** A message of an existing device, as it came. */
export interface ForeignMessage {
  readonly bytes: Uint8Array;
  /** The MQTT or Kafka topic that it came on; undefined over UDP and HTTP. */
  readonly topic: string | undefined;
}

/** What a device has said at one instant, in the registry's metrics and units. */
export interface Reading {
  /** The device's own name for itself, as it stands in the message. */
  readonly sourceId: string;
  /** Event time, UTC, milliseconds since 1970; undefined where the message says none. */
  readonly timestampMs: number | undefined;
  /** By the registry's name, or `x_…` where it has none. Never empty text; numbers are finite and never -0. */
  readonly metrics: Readonly<Record<string, MetricValue>>;
  /** Metrics of which it says that it has no value, or whose value was refused: flag 9. None of `metrics`. */
  readonly missing?: readonly string[];
  readonly location?: Location;
  /** What else it said, its own ids and the time as it was written among it; snake_case. */
  readonly info?: Info;
  /**
   * What the record's id follows from, with the source and `sourceId`, in place of all of the reading: where copies of one
   * and the same differ in something, as an uplink does that several gateways have heard.
   */
  readonly identity?: string;
}

/** A part of a message that is no reading. */
export interface RefusedPart {
  /** The part as text, cut where it is long. */
  readonly text: string;
  /** For people: what is wrong, and where. */
  readonly reason: string;
}

export interface Parsed {
  readonly readings: readonly Reading[];
  /** In a message of several parts one bad part costs no other. */
  readonly refused: readonly RefusedPart[];
}

/**
 * One shape of messages. Pure: the same message says the same, whoever reads it and whenever, as the ids of its records
 * follow from it. Every format passes `test/conformance/format.ts`.
 */
export interface Format {
  readonly name: FormatName;
  /**
   * At least one reading. Throws `RECORD_INVALID`, with what is wrong and where, for a message of which nothing can be used.
   */
  parse(message: ForeignMessage): Parsed;
}
