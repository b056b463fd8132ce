import type { FlatRecord } from '../recordlog/recordlog.ts';

/** What a client is sent of a record. `late`: its event time is before one that was sent of this station already. */
export type LiveType = 'record' | 'alarm' | 'late';

/** One message, made once for all clients. */
export interface LiveMessage {
  readonly type: LiveType;
  readonly gateway: string;
  readonly station: string;
  /** How far its event time is behind the newest one of its station, in milliseconds; 0 for the newest. */
  readonly lateMs: number;
  /** When the centre had it, milliseconds since 1970. */
  readonly receivedMs: number;
  /** `{"type":…,"record":{…}}`, UTF-8. */
  readonly bytes: Buffer;
  readonly flat: FlatRecord;
}

/** Stations whose newest event time is remembered: beyond that, whoever was not heard for the longest is forgotten. */
const STATIONS_MAX = 10_000;

/** Makes messages of records, and knows which are late. */
export class LiveMessages {
  readonly #newestMs = new Map<string, number>();

  messageOf(flat: FlatRecord, json: string, nowMs: number): LiveMessage {
    const { gateway, station } = flat;
    const lateMs = flat.kind === 'sample' ? this.#lateMs(flat) : 0;
    const type = flat.kind === 'alarm' ? 'alarm' : lateMs > 0 ? 'late' : 'record';
    const bytes = Buffer.from(`{"type":"${type}","record":${json}}`);
    return { type, gateway, station, lateMs, receivedMs: receivedMsOf(flat) ?? nowMs, bytes, flat };
  }

  #lateMs({ gateway, station, timestamp }: FlatRecord): number {
    const key = `${gateway}/${station}`;
    const timestampMs = Date.parse(timestamp);
    const newestMs = this.#newestMs.get(key) ?? Number.NEGATIVE_INFINITY;
    this.#newestMs.delete(key);
    this.#newestMs.set(key, Math.max(newestMs, timestampMs));
    if (this.#newestMs.size > STATIONS_MAX) this.#newestMs.delete(this.#newestMs.keys().next().value as string);
    return newestMs === Number.NEGATIVE_INFINITY ? 0 : Math.max(0, newestMs - timestampMs);
  }
}

function receivedMsOf({ received_at }: FlatRecord): number | undefined {
  const receivedMs = typeof received_at === 'string' ? Date.parse(received_at) : Number.NaN;
  return Number.isFinite(receivedMs) ? receivedMs : undefined;
}
