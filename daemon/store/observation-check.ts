import { encodedRecordBytes } from '../../protocol/batch-codec.ts';
import {
  requireFlag,
  requireLocation,
  requireMetric,
  requireStation,
  requireTime,
  requireValue,
  typeOf,
} from '../../protocol/codec/record-rules.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { type MetricType, metricNamed } from '../../protocol/metrics.ts';
import {
  BOUNDS,
  CLOCK_STATES,
  type Flag,
  type MetricValue,
  type Observation,
  RECORD_KINDS,
} from '../../protocol/record.ts';
import { MooringError } from '../../runtime/errors.ts';

/** What a batch of one sample has beside its cells, and one cell beside name and text, in bytes: never less than it takes. */
const FRAME_BYTES = 160;
const CELL_BYTES = 20;
/** Stations and metrics that are remembered to have good names. */
const NAMES_MAX = 1024;

/**
 * Lets only such records into the store as fit into a batch, so that no record can stand in the way of the others for
 * ever. To encode each would take longer than to store it: a sample whose bound is low enough is not.
 */
export class ObservationCheck {
  readonly #stations = new Set<string>();
  readonly #metrics = new Map<string, { readonly type: MetricType; readonly bytes: number }>();

  /** Throws `RECORD_INVALID` or `RECORD_TOO_LARGE`. */
  require(observation: Observation): void {
    try {
      if (observation.info === undefined && this.#bytesMax(observation) <= BOUNDS.recordBytes) {
        this.#requireFrame(observation);
      } else if (encodedRecordBytes({ ...observation, sequence: BOUNDS.sequenceMax }) > BOUNDS.recordBytes) {
        throw new ProtocolError('BOUNDS', `encodes to more than ${BOUNDS.recordBytes} bytes`);
      }
    } catch (cause) {
      if (!(cause instanceof ProtocolError)) throw cause;
      throw refused(observation, cause);
    }
  }

  /** Everything about a sample but its metrics and flags. Throws `ProtocolError`. */
  #requireFrame(observation: Observation): void {
    const { station, kind, timestampMs, clock, location } = observation;
    if (!this.#stations.has(station)) {
      requireStation(station);
      if (this.#stations.size < NAMES_MAX) this.#stations.add(station);
    }
    requireTime(timestampMs);
    if (!RECORD_KINDS.includes(kind) || !CLOCK_STATES.includes(clock)) {
      throw new ProtocolError('INVALID', 'a kind or a clock that there is not');
    }
    if (location !== undefined) requireLocation(location);
  }

  /** An upper bound of what a sample encodes to alone. Throws `ProtocolError` for what no sample may hold. */
  #bytesMax({ station, metrics, flags }: Observation): number {
    let bytes = FRAME_BYTES + station.length;
    // As `encodeBody` goes through them: by what it sees, and as fast.
    for (const name in metrics) {
      const value = metrics[name] as MetricValue;
      requireValue(value);
      bytes += this.#metricBytes(name, typeOf(value));
      // A UTF-16 unit is at most three bytes of UTF-8.
      if (typeof value === 'string') bytes += 3 * value.length;
    }
    for (const name of Object.keys(flags)) {
      requireFlag(flags[name] as Flag);
      if (!Object.hasOwn(metrics, name)) bytes += this.#metricBytes(name, metricNamed(name)?.type ?? 'number');
    }
    return bytes;
  }

  #metricBytes(name: string, type: MetricType): number {
    const known = this.#metrics.get(name);
    if (known?.type === type) return known.bytes;
    requireMetric(name, type);
    const bytes = CELL_BYTES + (metricNamed(name) === undefined ? name.length + 2 : 2);
    if (this.#metrics.size < NAMES_MAX) this.#metrics.set(name, { type, bytes });
    return bytes;
  }
}

function refused({ station, kind }: Observation, cause: ProtocolError): MooringError {
  const options = { cause, context: { station, kind, reason: cause.message } };
  if (cause.code !== 'BOUNDS') return new MooringError('RECORD_INVALID', 'the record says what no record may', options);
  const hint = 'Divide the station: fewer metrics, or shorter texts.';
  return new MooringError('RECORD_TOO_LARGE', 'the record is too large', { ...options, hint });
}
