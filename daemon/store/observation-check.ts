import { encodedRecordBytes } from '../../protocol/batch-codec.ts';
import { requireFlag, requireMetric, requireRecord, requireValue, typeOf } from '../../protocol/codec/record-rules.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { metricNamed } from '../../protocol/metrics.ts';
import { BOUNDS, type Observation } from '../../protocol/record.ts';
import { MooringError } from '../../runtime/errors.ts';

/** What a batch of one sample has beside its cells, and one cell beside name and text, in bytes: never less than it takes. */
const FRAME_BYTES = 160;
const CELL_BYTES = 20;
/** Names that are remembered to be good ones. */
const NAMES_MAX = 1024;

/**
 * Lets only such records into the store as fit into a batch, so that no record can stand in the way of the others for
 * ever. To encode each would take longer than to store it: a sample whose bound is low enough is not.
 */
export class ObservationCheck {
  /** `type name` of metrics that the protocol's rules have passed. */
  readonly #passed = new Set<string>();

  /** Throws `RECORD_INVALID` or `RECORD_TOO_LARGE`. */
  require(observation: Observation): void {
    try {
      const record = { ...observation, sequence: BOUNDS.sequenceMax };
      if (observation.info === undefined && this.#bytesMax(observation) <= BOUNDS.recordBytes) requireRecord(record);
      else if (encodedRecordBytes(record) > BOUNDS.recordBytes) {
        throw new ProtocolError('BOUNDS', `encodes to more than ${BOUNDS.recordBytes} bytes`);
      }
    } catch (cause) {
      if (!(cause instanceof ProtocolError)) throw cause;
      const { station, kind } = observation;
      const options = { cause, context: { station, kind, reason: cause.message } };
      throw cause.code === 'BOUNDS'
        ? new MooringError('RECORD_TOO_LARGE', 'the record is too large', {
            ...options,
            hint: 'Divide the station: fewer metrics, or shorter texts.',
          })
        : new MooringError('RECORD_INVALID', 'the record says what no record may', options);
    }
  }

  /** An upper bound of what a sample encodes to alone. Throws `ProtocolError` for what no sample may hold. */
  #bytesMax({ station, metrics, flags }: Observation): number {
    let bytes = FRAME_BYTES + station.length;
    for (const name of Object.keys(metrics)) {
      const value = metrics[name] as Observation['metrics'][string];
      requireValue(value);
      this.#requireMetric(name, typeOf(value));
      bytes += this.#nameBytes(name) + CELL_BYTES + (typeof value === 'string' ? 4 * value.length : 0);
    }
    for (const name of Object.keys(flags)) {
      requireFlag(flags[name] as Observation['flags'][string]);
      if (Object.hasOwn(metrics, name)) continue;
      this.#requireMetric(name, metricNamed(name)?.type ?? 'number');
      bytes += this.#nameBytes(name) + CELL_BYTES;
    }
    return bytes;
  }

  #nameBytes(name: string): number {
    return metricNamed(name) === undefined ? name.length + 2 : 2;
  }

  #requireMetric(name: string, type: ReturnType<typeof typeOf>): void {
    const key = `${type} ${name}`;
    if (this.#passed.has(key)) return;
    requireMetric(name, type);
    if (this.#passed.size < NAMES_MAX) this.#passed.add(key);
  }
}
