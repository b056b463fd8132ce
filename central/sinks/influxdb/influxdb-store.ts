import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { HttpLogin } from '../http/credentials.ts';
import { type HttpAnswer, HttpStore, isLoginRefused } from '../http/http-store.ts';
import type { RefusedRecord, RemoteStore, StoreRecord } from '../remote/remote-store.ts';
import { Unwritable } from '../remote/unwritable.ts';
import { errorIn, type InfluxdbApi, OTHER_MEASUREMENTS, reasonOf } from './api.ts';
import { ApiV1 } from './api-v1.ts';
import { ApiV2 } from './api-v2.ts';
import { type LineOptions, lineOf } from './line.ts';

/** Where in InfluxDB, and who asks. */
export type InfluxdbPlace =
  | { readonly api: 'v1'; readonly database: string; readonly user?: string; readonly passwordFile?: string }
  | { readonly api: 'v2'; readonly org: string; readonly bucket: string; readonly tokenFile: string };

export interface InfluxdbStoreOptions extends LineOptions {
  readonly name: string;
  readonly url: string;
  readonly place: InfluxdbPlace;
  /** PEM, in place of the system's authorities. */
  readonly caFile?: string;
  /** Of each request, in milliseconds; 10,000 when left out. */
  readonly deadlineMs?: number;
  readonly clock: Clock;
}

interface Line {
  readonly index: number;
  readonly text: string;
}

/** Answers that are about some line, of which they never say which. */
const ABOUT_A_LINE = new Set([400, 413, 422]);
/** Bounds of the server, not faults of a record. */
const SERVER_IS_FULL = /max-(series|values)-per|max series/i;
/** A comment of line protocol: written like a record, and nothing of it stays. */
const PROBE = '# mooring: is anything taken?';
const NAMES_TAKEN: readonly string[] = [...OTHER_MEASUREMENTS, ''];

/** InfluxDB 1 or 2, over line protocol. A record is a point, and the same point however often it comes. */
export class InfluxdbStore implements RemoteStore {
  readonly name: string;
  readonly #options: InfluxdbStoreOptions;
  readonly #http: HttpStore;
  readonly #api: InfluxdbApi;

  constructor(options: InfluxdbStoreOptions) {
    const { name, measurement, place } = options;
    this.name = name;
    this.#options = options;
    if (NAMES_TAKEN.includes(measurement))
      throw new MooringError('CONFIG_INVALID', 'the measurement of samples has the name of another one', {
        context: { store: name, measurement },
        hint: `Choose a name other than ${OTHER_MEASUREMENTS.join(', ')}.`,
      });
    this.#http = new HttpStore({ ...options, ...loginOf(place) });
    this.#api =
      place.api === 'v1'
        ? new ApiV1({ name, http: this.#http, database: place.database, measurement })
        : new ApiV2({ name, http: this.#http, org: place.org, bucket: place.bucket });
  }

  open(signal: AbortSignal): Promise<void> {
    return this.#api.prepare(signal);
  }

  async write(records: readonly StoreRecord[]): Promise<readonly RefusedRecord[]> {
    const refused: RefusedRecord[] = [];
    const lines: Line[] = [];
    for (const [index, record] of records.entries()) {
      try {
        lines.push({ index, text: lineOf(record, this.#options) });
      } catch (error) {
        if (!(error instanceof Unwritable)) throw error;
        refused.push({ index, reason: error.message });
      }
    }
    await this.#send(lines, refused, refused.length);
    return refused.sort((a, b) => a.index - b.index);
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  /** Halves what is refused until each line that is stands alone: at most twice as many requests as there are lines. */
  async #send(lines: readonly Line[], refused: RefusedRecord[], unwritable: number): Promise<void> {
    const [first] = lines;
    if (first === undefined) return;
    const answer = await this.#api.send(lines.map(({ text }) => text).join('\n'));
    if (answer.status >= 200 && answer.status < 300) return;
    // Whoever else stands in the way, a proxy most likely, knows nothing of lines.
    const isOwn = errorIn(answer.body) !== undefined;
    if (!isOwn || !ABOUT_A_LINE.has(answer.status) || SERVER_IS_FULL.test(answer.body)) throw this.#failed(answer);
    if (lines.length === 1) {
      if (refused.length === unwritable) await this.#probe();
      refused.push({ index: first.index, reason: reasonOf(answer) });
      return;
    }
    const half = lines.length >>> 1;
    await this.#send(lines.slice(0, half), refused, unwritable);
    await this.#send(lines.slice(half), refused, unwritable);
  }

  /** Throws `SINK_FAILED` where a write is refused whatever is in it: then it is no line's fault. */
  async #probe(): Promise<void> {
    const answer = await this.#api.send(PROBE);
    if (answer.status < 200 || answer.status >= 300) throw this.#failed(answer);
  }

  #failed(answer: HttpAnswer): MooringError {
    return new MooringError('SINK_FAILED', 'InfluxDB does not take records', {
      context: { store: this.name, url: this.#http.origin, reason: reasonOf(answer) },
      hint: hintOn(answer),
    });
  }
}

function loginOf(place: InfluxdbPlace): { readonly login?: HttpLogin } {
  if (place.api === 'v2') return { login: { scheme: 'Token', tokenFile: place.tokenFile } };
  const { user, passwordFile } = place;
  return user === undefined || passwordFile === undefined ? {} : { login: { user, passwordFile } };
}

function hintOn(answer: HttpAnswer): string {
  if (isLoginRefused(answer)) return 'Check that the user or token still may write there; the file is read again.';
  if (answer.status === 404) return 'See whether the database or bucket was dropped: it is made at the start only.';
  if (SERVER_IS_FULL.test(answer.body)) return 'Raise that bound of InfluxDB, or take fewer tags.';
  return 'See what the log of InfluxDB says.';
}
