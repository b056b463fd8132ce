import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Clock } from '../../runtime/clock.ts';
import type { ListenAddress } from '../../runtime/config/values.ts';
import { addressOf, closeHttp, listening } from '../../runtime/listening.ts';
import type { Log } from '../../runtime/log.ts';
import { BearerToken } from '../ingest/foreign/bearer-token.ts';

export interface MetricsServerOptions {
  readonly listen: ListenAddress;
  /** File with the token that `/metrics` asks for; undefined: nobody needs one. */
  readonly tokenFile: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: () => Promise<string>;
  readonly isHealthy: () => boolean;
  /** Why it is not ready; empty where it is. */
  readonly reasonsAgainst: () => readonly string[];
}

const CONNECTIONS_MAX = 64;
const REQUEST_MS = 10_000;
const HEADER_BYTES_MAX = 8192;
const LINGER_MS = 500;
const TEXT_FORMAT = 'text/plain; version=0.0.4; charset=utf-8';

interface Answer {
  readonly status: number;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** `GET /metrics`, `/healthz`, `/readyz`. */
export class MetricsServer {
  readonly #options: MetricsServerOptions;
  #token: BearerToken | undefined;
  #server: Server | undefined;

  constructor(options: MetricsServerOptions) {
    this.#options = options;
  }

  get address(): ListenAddress | undefined {
    return addressOf(this.#server);
  }

  /** Throws `CONFIG_UNREADABLE` or `CONFIG_INVALID` for a token, and `SOCKET_FAILED`. */
  async open(): Promise<void> {
    const { listen, tokenFile, log } = this.#options;
    this.#token = tokenFile === undefined ? undefined : await BearerToken.read(tokenFile, 'metrics');
    const server = createServer({
      headersTimeout: REQUEST_MS,
      requestTimeout: REQUEST_MS,
      maxHeaderSize: HEADER_BYTES_MAX,
    });
    server.maxConnections = CONNECTIONS_MAX;
    server.on('request', (request, response) => void this.#serve(request, response));
    await listening(server, {
      address: listen,
      key: 'metrics.listen',
      otherwise: 'metrics cannot be served',
      onError: (err) => log.warn({ err }, 'a connection for metrics is not taken'),
    });
    this.#server = server;
    log.info({ ...this.address }, 'metrics are served');
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server !== undefined) await closeHttp(server, this.#options.clock, LINGER_MS);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    const { status, type = 'application/json', headers = {}, body } = await this.#answerTo(request);
    response.writeHead(status, {
      'content-type': type,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      ...(this.#server === undefined ? { connection: 'close' } : {}),
      ...headers,
    });
    response.end(request.method === 'HEAD' ? undefined : body);
    request.resume();
  }

  async #answerTo({ method, url = '', headers }: IncomingMessage): Promise<Answer> {
    const { metrics, isHealthy, reasonsAgainst } = this.#options;
    const path = url.split('?', 1)[0];
    if (method !== 'GET' && method !== 'HEAD') {
      return { ...wrong(405, 'METHOD', 'this is only asked', 'Use GET.'), headers: { allow: 'GET, HEAD' } };
    }
    if (path === '/healthz') {
      const healthy = isHealthy();
      return { status: healthy ? 200 : 503, body: json({ healthy }) };
    }
    if (path === '/readyz') {
      const reasons = reasonsAgainst();
      const ready = reasons.length === 0;
      return { status: ready ? 200 : 503, body: json(ready ? { ready } : { ready, reasons }) };
    }
    if (path !== '/metrics') {
      return wrong(404, 'NOT_FOUND', 'there is nothing here', 'Look at /metrics, /healthz or /readyz.');
    }
    if (this.#token?.matches(headers.authorization) === false) {
      const hint = 'Send the header `Authorization: Bearer TOKEN`, with the token of `metrics.token`.';
      const answer = wrong(401, 'UNAUTHORIZED', 'the token is missing or wrong', hint);
      return { ...answer, headers: { 'www-authenticate': 'Bearer' } };
    }
    return { status: 200, type: TEXT_FORMAT, body: await metrics() };
  }
}

function json(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

function wrong(status: number, code: string, message: string, hint: string): Answer {
  return { status, body: json({ code, message, hint }) };
}
