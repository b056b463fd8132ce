import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Clock } from '../../../runtime/clock.ts';
import type { ListenAddress } from '../../../runtime/config/values.ts';
import { addressOf, closeHttp, listening } from '../../../runtime/listening.ts';
import type { Log } from '../../../runtime/log.ts';
import { atMost } from '../patience.ts';
import { SocketQuota } from '../socket-quota.ts';
import { BearerToken } from './bearer-token.ts';
import type { ForeignOutcome, MessageTaker, ReceivedMessage } from './foreign-intake.ts';
import { foreignReplyOf } from './foreign-reply.ts';
import { BodyFailure, bodyOf } from './http-body.ts';
import { RefusalNotices } from './refusal-notices.ts';

/** A source that is posted to. */
export interface HttpRoute {
  /** Key of `sources`. */
  readonly source: string;
  /** `/stream`; of each route another. */
  readonly path: string;
  /** File with the token that whoever posts has to show; undefined: nobody has to. */
  readonly tokenFile: string | undefined;
  readonly bodyBytesMax: number;
  /** Whether the body of the answer says where the record is; without, it is empty. */
  readonly isReplying: boolean;
  readonly intake: MessageTaker;
}

export interface HttpSourcesOptions {
  readonly listen: ListenAddress;
  readonly routes: readonly HttpRoute[];
  /** Connections at once; beyond that new ones are closed. 256 if left out. Of one address half of them: the oldest give way. */
  readonly connectionsMax?: number;
  /** How long the head of a request, and then its body, may take, in milliseconds; 10 s each if left out. */
  readonly requestMs?: number;
  readonly clock: Clock;
  readonly log: Log;
}

export interface HttpSourcesStatus {
  /** Undefined until it listens, and after it was closed. */
  readonly address: ListenAddress | undefined;
  /** Answers by their status. */
  readonly answers: Readonly<Record<number, number>>;
  readonly routes: readonly HttpRouteStatus[];
}

/** Why a post is refused before anything is made of it. */
export const HTTP_REFUSALS = ['method', 'token', 'large', 'slow'] as const;
type HttpRefusal = (typeof HTTP_REFUSALS)[number];

export interface HttpRouteStatus {
  /** Key of `sources`. */
  readonly source: string;
  readonly refused: Readonly<Record<HttpRefusal, number>>;
  readonly replies: number;
}

const CONNECTIONS_MAX = 256;
const REQUEST_MS = 10_000;
const HEADER_BYTES_MAX = 16_384;
const KEEP_ALIVE_MS = 30_000;
/** How often Node looks for heads that take too long. */
const LOOK_MS = 1000;
const TOO_SLOW = 408;
/** How long posts that are under way may take to be stored once it closes, in milliseconds; then they are to come again. */
const DRAIN_MS = 1000;
const RETRY_AFTER_MS = 2000;
/** How long answers may take to leave once it closes, in milliseconds. */
const LINGER_MS = 500;

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object | undefined;
}

interface OpenRoute extends HttpRoute {
  readonly token: BearerToken | undefined;
  readonly refused: Record<HttpRefusal, number>;
  replies: number;
}

/**
 * Existing devices, or the network servers before them, that post a message each: `POST PATH` is answered with 200 once all
 * that can be used of it is durable, 400 where nothing can and it is in the dead letter, and 503 where it is to be posted
 * again. What goes wrong is told as `{code, message, hint}`.
 */
export class HttpSources {
  readonly #options: HttpSourcesOptions;
  readonly #notices: RefusalNotices<'token' | 'large' | 'slow'>;
  readonly #answers: Record<number, number> = {};
  #routes: ReadonlyMap<string, OpenRoute> = new Map();
  #server: Server | undefined;
  /** Posts that have no answer yet: what tells them to come again. */
  readonly #underWay = new Set<(answer: Answer) => void>();
  #onIdle: (() => void) | undefined;

  constructor(options: HttpSourcesOptions) {
    this.#options = options;
    this.#notices = new RefusalNotices(options.clock, options.log);
  }

  /** Throws `CONFIG_UNREADABLE` or `CONFIG_INVALID` for a token, and `SOCKET_FAILED`. */
  async open(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { listen, routes, requestMs = REQUEST_MS, connectionsMax = CONNECTIONS_MAX, log } = this.#options;
    const open = await Promise.all(routes.map(opened));
    this.#routes = new Map(open.map((route) => [route.path, route]));
    const server = createServer({
      headersTimeout: requestMs,
      // The body has its own time, on the clock that was handed in: this is for what is thrown away of a body.
      requestTimeout: 2 * requestMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: LOOK_MS,
      maxHeaderSize: HEADER_BYTES_MAX,
    });
    server.maxConnections = connectionsMax;
    const quota = new SocketQuota(Number.POSITIVE_INFINITY, Math.max(1, connectionsMax >>> 1));
    server.on('connection', (socket) => quota.add(socket, socket.remoteAddress ?? '')?.destroy());
    server.on('request', (request, response) => void this.#serve(request, response));
    // What is no HTTP is answered by Node: it has no message in it.
    await listening(server, {
      address: listen,
      key: 'ingest.http.listen',
      otherwise: 'the sources cannot listen over HTTP',
      onError: (err) => log.warn({ err }, 'a connection of a source is not taken'),
    });
    this.#server = server;
    log.info({ ...this.status().address, paths: [...this.#routes.keys()] }, 'sources listen over HTTP');
  }

  status(): HttpSourcesStatus {
    const routes = [...this.#routes.values()].map(({ source, refused, replies }) => {
      return { source, refused: { ...refused }, replies };
    });
    return { address: addressOf(this.#server), answers: { ...this.#answers }, routes };
  }

  /** Accepts nobody any more. What is under way has a moment to be stored, and is else told to come again: 503. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const { clock } = this.#options;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    if (this.#underWay.size > 0) {
      const idle = new Promise<void>((resolve) => (this.#onIdle = resolve));
      await atMost(clock, DRAIN_MS, Promise.race([idle, closed]));
      for (const answer of this.#underWay) answer(unavailable('the centre ends', RETRY_AFTER_MS));
    }
    await closeHttp(server, clock, LINGER_MS);
    this.#notices.end();
  }

  /** Its answer, or the one that there is when it closes. */
  async #answered(request: IncomingMessage): Promise<Answer> {
    const closing = Promise.withResolvers<Answer>();
    this.#underWay.add(closing.resolve);
    try {
      return await Promise.race([this.#answerTo(request), closing.promise]);
    } finally {
      this.#underWay.delete(closing.resolve);
      if (this.#underWay.size === 0) this.#onIdle?.();
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    const { status, headers = {}, body } = await this.#answered(request);
    this.#answers[status] = (this.#answers[status] ?? 0) + 1;
    const text = body === undefined ? '' : `${JSON.stringify(body)}\n`;
    response.writeHead(status, {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      'content-length': Buffer.byteLength(text),
      ...(this.#server === undefined || status === TOO_SLOW ? { connection: 'close' } : {}),
      ...headers,
    });
    response.end(text);
    // Whoever is still sending would not hear an answer on a connection that is closed on it: the rest is thrown away.
    request.resume();
  }

  async #answerTo(request: IncomingMessage): Promise<Answer> {
    const { clock, requestMs = REQUEST_MS } = this.#options;
    const route = this.#routes.get((request.url ?? '').split('?', 1)[0] as string);
    if (route === undefined)
      return wrong(404, 'NOT_FOUND', 'no source has this path', 'Look at `http.path` of the sources.');
    const early = this.#refusalOf(route, request);
    if (early !== undefined) return early;
    let bytes: Uint8Array;
    try {
      bytes = await bodyOf(request, { bytesMax: route.bodyBytesMax, durationMs: requestMs, clock });
    } catch (error) {
      if (!(error instanceof BodyFailure)) throw error;
      if (error.kind === 'large') return this.#tooLarge(route, request);
      const context = { source: route.source, remote: request.socket.remoteAddress };
      route.refused.slow += 1;
      this.#notices.add('slow', 'bodies of a source do not come to their end', context);
      return wrong(TOO_SLOW, 'TOO_SLOW', 'the body has not come to its end in time', 'Send it again, whole.');
    }
    const message = { bytes, topic: undefined, receivedAtMs: clock.wallMs() };
    const answer = answerOf(route, message, await route.intake.take(message));
    if (answer.status === 200 && answer.body !== undefined) route.replies += 1;
    return answer;
  }

  /** Before anything is read of the body. */
  #refusalOf(route: OpenRoute, request: IncomingMessage): Answer | undefined {
    const { method, headers, socket } = request;
    if (method !== 'POST') {
      route.refused.method += 1;
      const answer = wrong(405, 'METHOD', 'a source is posted to', 'Use POST.');
      return { ...answer, headers: { allow: 'POST' } };
    }
    if (route.token?.matches(headers.authorization) === false) {
      route.refused.token += 1;
      this.#notices.add('token', 'posts to a source are refused: they do not show its token', {
        source: route.source,
        remote: socket.remoteAddress,
      });
      const hint = 'Send the header `Authorization: Bearer TOKEN`, with the token of this source.';
      const answer = wrong(401, 'UNAUTHORIZED', 'the token is missing or wrong', hint);
      return { ...answer, headers: { 'www-authenticate': 'Bearer' } };
    }
    const announced = Number(headers['content-length'] ?? 0);
    return announced > route.bodyBytesMax ? this.#tooLarge(route, request) : undefined;
  }

  #tooLarge({ source, bodyBytesMax, refused }: OpenRoute, { socket }: IncomingMessage): Answer {
    refused.large += 1;
    const context = { source, remote: socket.remoteAddress, bytesMax: bodyBytesMax };
    this.#notices.add('large', 'posts to a source are refused: they are too large', context);
    return wrong(413, 'TOO_LARGE', `the body is larger than ${bodyBytesMax} bytes`, 'Send less at once.');
  }
}

async function opened(route: HttpRoute): Promise<OpenRoute> {
  const { tokenFile } = route;
  const token = tokenFile === undefined ? undefined : await BearerToken.read(tokenFile);
  return { ...route, token, refused: { method: 0, token: 0, large: 0, slow: 0 }, replies: 0 };
}

function answerOf(route: HttpRoute, message: ReceivedMessage, outcome: ForeignOutcome): Answer {
  if (!outcome.isTaken) {
    const what = outcome.why === 'busy' ? 'too much waits to be stored' : 'nothing can be stored at the moment';
    return unavailable(what, outcome.retryAfterMs);
  }
  const { records, refused } = outcome;
  const [first] = refused;
  if (records.length === 0 && first !== undefined) {
    const hint = 'It is kept in the dead letter: posting it again changes nothing.';
    return wrong(400, first.code.toUpperCase(), first.reason, hint);
  }
  return { status: 200, body: route.isReplying ? foreignReplyOf(route.source, message, outcome) : undefined };
}

function unavailable(what: string, retryAfterMs: number): Answer {
  const answer = wrong(503, 'UNAVAILABLE', what, 'Nothing was kept: post it again later.');
  return { ...answer, headers: { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) } };
}

function wrong(status: number, code: string, message: string, hint: string): Answer {
  return { status, body: { code, message, hint } };
}
