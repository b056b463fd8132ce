import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Clock } from '../../runtime/clock.ts';
import type { ListenAddress } from '../../runtime/config/values.ts';
import { addressOf, listening } from '../../runtime/listening.ts';
import type { Log } from '../../runtime/log.ts';
import type { LiveConfig } from '../config/live.ts';
import { BearerToken } from '../ingest/foreign/bearer-token.ts';
import { RefusalNotices } from '../ingest/foreign/refusal-notices.ts';
import { cookieOf, denialOf, type LiveAccessOptions } from './live-access.ts';
import type { LiveHub } from './live-hub.ts';
import { LIVE_PATH, type LiveRequest, liveRequestOf } from './live-request.ts';

export interface LiveServerOptions {
  readonly config: LiveConfig;
  readonly hub: Pick<LiveHub, 'join' | 'leave'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Clients at once; beyond that new ones are refused. 128 when left out. */
  readonly clientsMax?: number;
}

const CLIENTS_MAX = 128;
const REQUEST_MS = 10_000;
/** Time for whoever is refused to read why, in milliseconds. */
const REFUSAL_MS = 1000;
const HEADER_BYTES_MAX = 8192;
/** A client that does not answer one of these by the next is gone, or reads too slowly; in milliseconds. */
const PING_MS = 30_000;
/** Nothing is expected of a client but pongs. */
const MESSAGE_BYTES_MAX = 1024;
const SESSION_PATH = `${LIVE_PATH}/session`;

/** `GET /api/v1/live` as a WebSocket, and `POST /api/v1/live/session` for pages. */
export class LiveServer {
  readonly #options: LiveServerOptions;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MESSAGE_BYTES_MAX,
  });
  readonly #clients = new Set<WebSocket>();
  /** They never become a WebSocket, and no time-out of the server is about them. */
  readonly #refused = new Set<Duplex>();
  readonly #notices: RefusalNotices<string>;
  #access: LiveAccessOptions = { token: undefined, origins: [] };
  #server: Server | undefined;

  constructor(options: LiveServerOptions) {
    this.#options = options;
    this.#notices = new RefusalNotices(options.clock, options.log);
  }

  get address(): ListenAddress | undefined {
    return addressOf(this.#server);
  }

  /** Throws `CONFIG_UNREADABLE` or `CONFIG_INVALID` for a token, and `SOCKET_FAILED`. */
  async open(): Promise<void> {
    const { config, log, clientsMax = CLIENTS_MAX } = this.#options;
    const token =
      config.tokenFile === undefined ? undefined : await BearerToken.read(config.tokenFile, 'the live feed');
    this.#access = { token, origins: config.origins };
    const server = createServer({
      headersTimeout: REQUEST_MS,
      requestTimeout: REQUEST_MS,
      maxHeaderSize: HEADER_BYTES_MAX,
    });
    // Those that are refused have to be heard.
    server.maxConnections = 2 * clientsMax;
    server.on('request', (request, response) => this.#serve(request, response));
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    await listening(server, {
      address: config.listen,
      key: 'live.listen',
      otherwise: 'the live feed cannot listen',
      onError: (err) => log.warn({ err }, 'a connection to the live feed is not taken'),
    });
    this.#server = server;
    log.info({ ...this.address }, 'the live feed listens');
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    // Whoever reads hears that it may come again; nobody is waited for.
    for (const client of this.#clients) client.close(1001);
    for (const client of this.#clients) client.terminate();
    for (const socket of this.#refused) socket.destroy();
    await closed;
    this.#notices.end();
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    request.resume();
    const [path] = (request.url ?? '').split('?', 1);
    if (path !== SESSION_PATH || request.method !== 'POST') {
      const isFeed = path === LIVE_PATH;
      const hint = `Open a WebSocket to ${LIVE_PATH}.`;
      respond(response, isFeed ? 426 : 404, { code: 'NOT_FOUND', message: 'there is nothing here to get', hint });
      return;
    }
    const denial = denialOf(request.headers, this.#access);
    if (denial !== undefined) {
      const { status, ...body } = denial;
      respond(response, status, body);
      return;
    }
    const { authorization, 'x-forwarded-proto': scheme } = request.headers;
    const cookie = authorization === undefined ? {} : { 'set-cookie': cookieOf(authorization, scheme === 'https') };
    response.writeHead(204, { 'cache-control': 'no-store', ...cookie }).end();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => undefined);
    const { config, clientsMax = CLIENTS_MAX } = this.#options;
    const denial = denialOf(request.headers, this.#access);
    if (denial !== undefined) {
      const { code, status } = denial;
      this.#notices.add(code, 'clients of the live feed are refused', { code, remote: request.socket.remoteAddress });
      this.#refuse(socket, status, denial);
      return;
    }
    const asked = liveRequestOf(request.url ?? '', config.legacy);
    if (asked === undefined) {
      this.#refuse(socket, 404, { code: 'NOT_FOUND', message: 'there is no such feed', hint: `Look at ${LIVE_PATH}.` });
    } else if (typeof asked === 'string') {
      this.#refuse(socket, 400, { code: 'QUERY', message: asked, hint: 'Look at docs/live.md.' });
    } else if (this.#clients.size >= clientsMax || this.#server === undefined) {
      const hint = 'Come back later.';
      this.#refuse(socket, 503, { code: 'FULL', message: `${clientsMax} clients listen already`, hint });
    } else {
      this.#sockets.handleUpgrade(request, socket, head, (client) => this.#join(client, asked));
    }
  }

  /** Before it is a WebSocket. */
  #refuse(socket: Duplex, status: number, { code, message, hint }: Wrong): void {
    const body = `${JSON.stringify({ code, message, hint })}\n`;
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'connection: close',
      'content-type: application/json',
      `content-length: ${Buffer.byteLength(body)}`,
    ];
    this.#refused.add(socket);
    const cancel = this.#options.clock.after(REFUSAL_MS, () => socket.destroy());
    socket.once('close', () => {
      cancel();
      this.#refused.delete(socket);
    });
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  }

  #join(client: WebSocket, asked: LiveRequest): void {
    const { hub, clock } = this.#options;
    this.#clients.add(client);
    const member = hub.join({
      ...asked,
      socket: {
        get bufferedAmount() {
          return client.bufferedAmount;
        },
        send: (text, onLeft) => client.send(text, { binary: false }, onLeft),
      },
    });
    let isAlive = true;
    let cancelPing = (): void => undefined;
    const ping = (): void => {
      if (!isAlive) {
        client.terminate();
        return;
      }
      isAlive = false;
      client.ping();
      cancelPing = clock.after(PING_MS, ping);
    };
    cancelPing = clock.after(PING_MS, ping);
    client.on('pong', () => {
      isAlive = true;
    });
    client.on('error', () => undefined);
    client.on('close', () => {
      cancelPing();
      this.#clients.delete(client);
      hub.leave(member);
    });
  }
}

interface Wrong {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

function respond(response: ServerResponse, status: number, { code, message, hint }: Wrong): void {
  const upgrade = status === 426 ? { upgrade: 'websocket', connection: 'upgrade' } : {};
  response.writeHead(status, { 'content-type': 'application/json', ...upgrade });
  response.end(`${JSON.stringify({ code, message, hint })}\n`);
}
