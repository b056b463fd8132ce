import { MooringError } from '../../../runtime/errors.ts';
import { type HttpAnswer, type HttpRequest, type HttpStore, isLoginRefused } from '../http/http-store.ts';

const REASON_CHARACTERS = 500;

/** The interface that Elasticsearch and OpenSearch have in common, with its refusals as errors. */
export class ElasticsearchApi {
  readonly #name: string;
  readonly #http: HttpStore;

  constructor(name: string, http: HttpStore) {
    this.#name = name;
    this.#http = http;
  }

  get origin(): string {
    return this.#http.origin;
  }

  /** Whatever is answered. */
  ask(request: HttpRequest): Promise<HttpAnswer> {
    return this.#http.ask(request);
  }

  /** The JSON of an answer that is none of an error; undefined for 404. Throws `SINK_UNFIT` and `SINK_FAILED`. */
  async json<T>(request: HttpRequest): Promise<T | undefined> {
    const answer = await this.ask(request);
    if (answer.status === 404) return undefined;
    if (answer.status >= 200 && answer.status < 300) return this.parsed<T>(answer);
    const { method, path } = request;
    const asked = `${method} ${path}`;
    if (isLoginRefused(answer)) throw this.error('SINK_UNFIT', 'the search engine refuses the user', answer, { asked });
    throw this.error('SINK_FAILED', 'the search engine did not do what it was asked', answer, { asked });
  }

  /** The JSON of an answer. Throws `SINK_FAILED` where it is none. */
  parsed<T>(answer: HttpAnswer): T {
    try {
      return JSON.parse(answer.body) as T;
    } catch {
      throw this.error('SINK_FAILED', 'the search engine answered with something that is no JSON', answer);
    }
  }

  /** An error with the server's own words. */
  error(
    code: 'SINK_UNFIT' | 'SINK_FAILED',
    message: string,
    answer: HttpAnswer | undefined,
    { hint, ...more }: Readonly<Record<string, unknown>> & { readonly hint?: string } = {},
  ): MooringError {
    const reason = answer === undefined ? {} : { reason: saidBy(answer) };
    return new MooringError(code, message, {
      context: { store: this.#name, url: this.origin, ...reason, ...more },
      hint: hint ?? hintOn(answer),
    });
  }
}

function saidBy({ status, body }: HttpAnswer): string {
  return `${status}: ${body.slice(0, REASON_CHARACTERS)}`;
}

function hintOn(answer: HttpAnswer | undefined): string {
  if (answer !== undefined && isLoginRefused(answer))
    return 'The user needs `monitor` and `manage_index_templates` of the cluster, and everything on the indices of the sink; its file is read again.';
  if (answer?.status === 429) return 'It has more to do than it can: give it time, memory or nodes.';
  return 'See what the log of the search engine says.';
}
