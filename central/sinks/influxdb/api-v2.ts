import { MooringError } from '../../../runtime/errors.ts';
import { type HttpAnswer, type HttpStore, isLoginRefused } from '../http/http-store.ts';
import { type InfluxdbApi, reasonOf } from './api.ts';

export interface ApiV2Options {
  readonly name: string;
  readonly http: HttpStore;
  readonly org: string;
  /** Checked, not made. */
  readonly bucket: string;
}

/** InfluxDB 2: `/api/v2/write`, with a token. */
export class ApiV2 implements InfluxdbApi {
  readonly #options: ApiV2Options;

  constructor(options: ApiV2Options) {
    this.#options = options;
  }

  async prepare(signal: AbortSignal): Promise<void> {
    const { http, org, bucket } = this.#options;
    const answer = await http.ask({ method: 'GET', path: '/api/v2/buckets', query: { org, name: bucket }, signal });
    if (answer.status === 200 && hasBucket(answer.body, bucket)) return;
    if (answer.status === 200 || answer.status === 404 || isLoginRefused(answer))
      throw this.#error('SINK_UNFIT', 'the bucket is not there, or the token may not see it', answer);
    throw this.#error('SINK_FAILED', 'InfluxDB did not say whether the bucket is there', answer);
  }

  async send(lines: string): Promise<HttpAnswer> {
    const { http, org, bucket } = this.#options;
    const query = { org, bucket, precision: 'ns' };
    const contentType = 'text/plain; charset=utf-8';
    return await http.ask({ method: 'POST', path: '/api/v2/write', query, contentType, body: lines });
  }

  #error(code: 'SINK_UNFIT' | 'SINK_FAILED', message: string, answer: HttpAnswer): MooringError {
    const { name, http, org, bucket } = this.#options;
    return new MooringError(code, message, {
      context: { store: name, url: http.origin, org, bucket, reason: reasonOf(answer) },
      hint: `Make the bucket ${bucket} in the organisation ${org}, and a token that may read and write it.`,
    });
  }
}

function hasBucket(body: string, bucket: string): boolean {
  try {
    const { buckets = [] } = JSON.parse(body) as { readonly buckets?: readonly { readonly name?: string }[] };
    return buckets.some(({ name }) => name === bucket);
  } catch {
    // Whoever answers a question for buckets with anything else has none.
    return false;
  }
}
