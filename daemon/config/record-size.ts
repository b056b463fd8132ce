import { encodedRecordBytes } from '../../protocol/batch-codec.ts';
import { type MetricDefinition, metricNamed } from '../../protocol/metrics.ts';
import { BOUNDS, type Info } from '../../protocol/record.ts';

/**
 * An upper bound of what one sample of a station encodes to when it travels alone, in bytes: every metric present,
 * flagged, with a value that needs a float64 or a text of full length, and a location (docs/protocol.md, "Batch").
 */
export function recordBytesMax(station: string, metrics: readonly Pick<MetricDefinition, 'name' | 'type'>[]): number {
  let bits = FRAME_BITS + station.length * CHARACTER_BITS;
  for (const { name, type } of metrics) {
    bits += metricNamed(name) === undefined ? NAMED_BITS + name.length * CHARACTER_BITS : NUMBERED_BITS;
    bits += CELL_BITS + VALUE_BITS[type];
  }
  return Math.ceil(bits / 8);
}

/** Preamble, checksums, sequence, counts, time, kind, clock, and a location of three float64. */
const FRAME_BITS = 92 * 8;
/** Of a name. */
const CHARACTER_BITS = 6;
/** Type and length before a metric's name. */
const NAMED_BITS = 8;
/** A metric of the registry goes by the distance of its number from the last one. */
const NUMBERED_BITS = 11;
/** Whether there is a value, whether there is a flag, and the flag. */
const CELL_BITS = 10;
const VALUE_BITS: Readonly<Record<MetricDefinition['type'], number>> = {
  number: 4 + 64,
  boolean: 1,
  text: 18 + BOUNDS.textBytes * 8,
};

/** An upper bound of what an event of a station with this `info` encodes to when it travels alone, in bytes. */
export function eventBytesMax(station: string, info: Info): number {
  return encodedRecordBytes({
    sequence: BOUNDS.sequenceMax,
    station,
    kind: 'event',
    timestampMs: BOUNDS.timestampMsMax,
    clock: 'unsynced',
    metrics: {},
    flags: {},
    location: { lat: 1 / 3, lon: 1 / 3, alt: 1 / 3 },
    info,
  });
}
