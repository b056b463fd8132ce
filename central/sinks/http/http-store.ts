import { Agent, errors, request } from 'undici';
import type { Clock } from '../../../runtime/clock.ts';
import { MooringError } from '../../../runtime/errors.ts';
import { authorizationOf, contentOf, type HttpLogin } from './credentials.ts';

export interface HttpStoreOptions {
  /** Of the sink, for errors. */
  readonly name: string;
  /** `http:` or `https:`, with the path before all paths where there is one; never with a user or password. */
  readonly url: string;
  /** PEM, in place of the system's authorities. */
  readonly caFile?: string;
  readonly login?: HttpLogin;
  /** From the request to the last byte of the answer, in milliseconds; 10,000 when left out. */
  readonly deadlineMs?: number;
  /** The largest answer that is read, in bytes; 16 MiB when left out. */
  readonly answerBytesMax?: number;
  readonly clock: Clock;
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** Below the store's URL, beginning with a slash, escaped already. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly contentType?: string;
  /** `application/json` when left out. */
  readonly accept?: string;
  readonly body?: string | Buffer;
  /** Gives up with its reason. */
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

const DEADLINE_MS = 10_000;
const ANSWER_BYTES_MAX = 16 * 2 ** 20;
/** One request at a time is the rule; a second may ask while a write is under way. */
const CONNECTIONS = 2;
const REFUSED = new Set([401, 403]);

/**
 * A store that speaks HTTP. Every request has a deadline and every answer a bound; no redirection is followed, so that
 * credentials go nowhere else.
 */
export class HttpStore {
  readonly #options: HttpStoreOptions;
  readonly #base: URL;
  readonly #closing = new AbortController();
  #agent: Agent | undefined;
  #authorization: string | undefined;

  constructor(options: HttpStoreOptions) {
    this.#options = options;
    this.#base = new URL(options.url);
    if (this.#base.username !== '' || this.#base.password !== '')
      throw new MooringError('CONFIG_INVALID', 'a URL of a store carries a user or a password', {
        context: { store: options.name },
        hint: 'Name the user, and the file of the password, beside the URL.',
      });
  }

  /** Where it is, for errors: scheme, host and port. */
  get origin(): string {
    return this.#base.origin;
  }

  /**
   * Asks, and gives back whatever is answered, of any status. Throws `SINK_FAILED` where there is no answer in time, or one
   * that is too large, `CONFIG_UNREADABLE` and `CONFIG_INVALID` for its files, or the signal's reason.
   */
  async ask(asked: HttpRequest): Promise<HttpAnswer> {
    const { clock, deadlineMs = DEADLINE_MS } = this.#options;
    asked.signal?.throwIfAborted();
    const late = new AbortController();
    const cancel = clock.after(deadlineMs, () => late.abort());
    const signals = [late.signal, this.#closing.signal, ...(asked.signal === undefined ? [] : [asked.signal])];
    const signal = AbortSignal.any(signals);
    try {
      return await this.#exchange(asked, signal);
    } catch (error) {
      if (error instanceof MooringError) throw error;
      asked.signal?.throwIfAborted();
      throw this.#failure(error, late.signal.aborted ? `no answer within ${deadlineMs} ms` : undefined);
    } finally {
      cancel();
    }
  }

  /** What is under way rejects. For good. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#agent?.destroy();
    this.#agent = undefined;
  }

  async #exchange(asked: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    signal.throwIfAborted();
    this.#agent ??= await this.#connected();
    const agent = this.#agent;
    const { statusCode: status, body } = await request(this.#urlOf(asked), {
      dispatcher: agent,
      method: asked.method,
      headers: await this.#headersOf(asked),
      ...(asked.body === undefined ? {} : { body: asked.body }),
      signal,
    }).catch((error: unknown) => {
      if (isOfCertificate(error)) this.#distrust(agent);
      throw error;
    });
    // A secret that was changed while this runs is read anew by the next.
    if (REFUSED.has(status)) this.#authorization = undefined;
    return { status, body: await this.#bounded(body) };
  }

  async #connected(): Promise<Agent> {
    const { caFile } = this.#options;
    const ca = caFile === undefined ? undefined : await contentOf(caFile);
    // The deadline of the whole is the only one.
    const limits = { headersTimeout: 0, bodyTimeout: 0, connections: CONNECTIONS };
    return new Agent({ ...limits, connect: { timeout: 0, ...(ca === undefined ? {} : { ca }) } });
  }

  /** The file of the authority is read anew by the next; what is under way on other connections may end. */
  #distrust(agent: Agent): void {
    if (this.#agent === agent) this.#agent = undefined;
    // Whoever waits on it hears of it by their own request.
    agent.close().catch(() => undefined);
  }

  async #headersOf({ accept = 'application/json', contentType }: HttpRequest): Promise<Record<string, string>> {
    const { login } = this.#options;
    if (login !== undefined) this.#authorization ??= await authorizationOf(login);
    return {
      accept,
      ...(contentType === undefined ? {} : { 'content-type': contentType }),
      ...(this.#authorization === undefined ? {} : { authorization: this.#authorization }),
    };
  }

  #urlOf({ path, query = {} }: HttpRequest): URL {
    const url = new URL(this.#base);
    url.pathname = `${url.pathname.replace(/\/$/, '')}${path}`;
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
    return url;
  }

  async #bounded(body: AsyncIterable<Buffer>): Promise<string> {
    const { answerBytesMax = ANSWER_BYTES_MAX } = this.#options;
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > answerBytesMax) throw this.#failure(undefined, `an answer of more than ${answerBytesMax} bytes`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  #failure(cause: unknown, what: string | undefined): MooringError {
    const isClosed = this.#closing.signal.aborted;
    const reason = what ?? (isClosed ? 'the connection was let go' : wordsOf(cause));
    return new MooringError('SINK_FAILED', 'a store did not answer as it should', {
      cause,
      context: { store: this.#options.name, url: this.origin, reason },
      hint: `See that ${this.origin} is up and can be reached from here${hintOn(cause)}.`,
    });
  }
}

/** Whether an answer says that who asks is not known, or may not. */
export function isLoginRefused({ status }: HttpAnswer): boolean {
  return REFUSED.has(status);
}

function wordsOf(cause: unknown): string {
  if (cause instanceof errors.UndiciError || cause instanceof Error) {
    const { code } = cause as NodeJS.ErrnoException;
    return code === undefined ? cause.message : `${code}: ${cause.message}`;
  }
  return String(cause);
}

function hintOn(cause: unknown): string {
  return isOfCertificate(cause) ? ', and that `ca` is the authority of its certificate' : '';
}

/** A code of OpenSSL's, or of Node's about a certificate. A file that holds none at all has one too. */
function isOfCertificate(cause: unknown): boolean {
  return /CERT|SIGN|ALTNAME|VERIFY|ISSUER|SSL|TLS|_PEM_/.test((cause as NodeJS.ErrnoException | undefined)?.code ?? '');
}
