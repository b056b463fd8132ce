import { ProtocolError } from '../errors.ts';
import { BOUNDS } from '../record.ts';

/**
 * Counts what a batch takes as flat JSON, and throws `BOUNDS` beyond `BOUNDS.batchJsonBytes`: a few bytes may name a
 * long text many times. Both ends count by the same rules (docs/protocol.md, "Bounds"), never too little.
 */
export class JsonMeter {
  #counted = 0;

  get counted(): number {
    return this.#counted;
  }

  add(bytes: number): void {
    this.#counted += bytes;
    if (this.#counted > BOUNDS.batchJsonBytes)
      throw new ProtocolError('BOUNDS', `more than ${BOUNDS.batchJsonBytes} bytes as JSON`);
  }
}

/** A record's own keys with a gateway of 63 bytes, all but the station's name, its location, flags, info and metrics. */
export const RECORD_JSON_BYTES = 272;
/** The keys of a location. */
export const LOCATION_JSON_BYTES = 40;
/** `false` */
export const BOOLEAN_JSON_BYTES = 5;
/** A flag with its comma, apart from its metric's name: `"":9,` */
export const FLAG_JSON_BYTES = 5;
/** What stands between a metric's name and value, and after it: `"":,` */
export const KEY_JSON_BYTES = 4;

/** A text as JSON, with its quotes. */
export function textJsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text));
}
