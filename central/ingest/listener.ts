import { createServer, type Server, type ServerOpts, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions, type Server as TlsServer } from 'node:tls';
import { NAME_PATTERN } from '../../protocol/record.ts';
import type { Clock } from '../../runtime/clock.ts';
import { isLoopback, type ListenAddress } from '../../runtime/config/values.ts';
import { MooringError } from '../../runtime/errors.ts';
import { addressOf, listening } from '../../runtime/listening.ts';
import type { Log } from '../../runtime/log.ts';
import type { EmbeddedBrokerConfig, ListenTlsConfig } from '../config/types.ts';
import { BoundedConnection } from './bounded-connection.ts';
import { ListenerTls } from './listener-tls.ts';
import type { Refusals } from './refusals.ts';
import { SocketQuota } from './socket-quota.ts';
import type { Peer } from './topic-rules.ts';

export interface ListenerOptions {
  readonly config: Pick<EmbeddedBrokerConfig, 'listen' | 'tls'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly refusals: Refusals;
  /** Connections at once, of those whose handshake is done; beyond that new ones are closed. */
  readonly connectionsMax: number;
  /** Bytes of a packet after its length; a client that announces more is closed. */
  readonly packetBytesMax: number;
  readonly onConnection: (connection: Duplex, peer: Peer) => void;
}

/** How long a TLS handshake may take, in milliseconds: a slow link at sea needs some seconds. */
const HANDSHAKE_MS = 10_000;
/** Handshakes at once, in all and from one address: whoever knocks without a certificate keeps out nobody who has one. */
const HANDSHAKES_MAX = 256;
const HANDSHAKES_PER_ADDRESS_MAX = 32;
/** Connections of one gateway at once: what a flapping link leaves behind half open. */
const CONNECTIONS_PER_GATEWAY_MAX = 16;
/** After this silence the kernel begins to ask whether the other end is still there, in milliseconds. */
const TCP_KEEPALIVE_MS = 60_000;
/** How long sockets may take to send what was written, once the listener closes, in milliseconds. */
const LINGER_MS = 500;

/** Accepts connections over TCP or TLS, bounded in number and in the size of a packet, and knows whose they are. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #sockets = new Set<Socket>();
  readonly #accepted = new Set<Socket>();
  /** By the port that they come from, as a TLS socket tells it too. */
  readonly #shaking = new Map<string, () => void>();
  readonly #handshakes = new SocketQuota(HANDSHAKES_MAX, HANDSHAKES_PER_ADDRESS_MAX);
  readonly #ofGateways = new SocketQuota(Number.POSITIVE_INFINITY, CONNECTIONS_PER_GATEWAY_MAX);
  /** Of those whose handshake is done. */
  readonly #secured = new Set<TLSSocket>();
  #tls: ListenerTls | undefined;
  #server: Server | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  /** Undefined until it listens, and once it was closed. */
  get address(): ListenAddress | undefined {
    return addressOf(this.#server);
  }

  /** Throws `CONFIG_INVALID`, `CONFIG_UNREADABLE` or `SOCKET_FAILED`. */
  async open(): Promise<void> {
    const { listen, tls } = this.#options.config;
    if (!isLoopback(listen) && tls?.caFile === undefined) {
      throw new MooringError('CONFIG_INVALID', 'a broker that other machines reach needs TLS and client certificates', {
        context: { host: listen.host, port: listen.port },
        hint: 'Add `ca`, `cert` and `key`, or listen on 127.0.0.1.',
      });
    }
    const server = tls === undefined ? this.#plainServer() : await this.#openTls(tls);
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    await listening(server, {
      address: listen,
      key: 'ingest.mqtt.listen',
      otherwise: 'the embedded broker cannot listen',
      onError: (err) => this.#options.refusals.add('the listener failed', { err }),
    }).catch((error: unknown) => {
      this.#tls?.close();
      throw error;
    });
    this.#server = server;
  }

  /** Accepts nobody any more. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.#tls?.close();
    if (server === undefined) return;
    const cancel = this.#options.clock.after(LINGER_MS, () => {
      for (const socket of this.#sockets) socket.destroy();
    });
    await new Promise<void>((resolve) => server.close(() => resolve()));
    cancel();
  }

  #plainServer(): Server {
    return createServer(SOCKET, (socket) => this.#accept(socket, undefined));
  }

  async #openTls(config: ListenTlsConfig): Promise<Server> {
    const { clock, log } = this.#options;
    let server: TlsServer | undefined;
    const tls = new ListenerTls({
      config,
      clock,
      log,
      onChange: (context) => server?.setSecureContext(context),
      onLook: () => this.#endUnfit(),
    });
    const context = await tls.open();
    this.#tls = tls;
    const asking = config.caFile === undefined ? {} : { requestCert: true, rejectUnauthorized: true };
    server = this.#tlsServer({ ...context, ...asking });
    return server;
  }

  /** Closes the connections whose certificate was taken back or has ended since they were let in. */
  #endUnfit(): void {
    for (const socket of this.#secured) {
      const fault = this.#tls?.faultOf(socket);
      if (fault === undefined) continue;
      this.#options.refusals.add(fault, { gateway: gatewayOf(socket), remote: socket.remoteAddress });
      socket.destroy();
    }
  }

  #tlsServer(options: TlsOptions): TlsServer {
    const { refusals } = this.#options;
    const server = createTlsServer({ ...SOCKET, ...options }, (socket) => {
      this.#shaking.get(placeOf(socket))?.();
      const fault = this.#tls?.faultOf(socket);
      if (fault !== undefined) {
        refusals.add(fault, { gateway: gatewayOf(socket), remote: socket.remoteAddress });
        socket.destroy();
        return;
      }
      this.#secured.add(socket);
      socket.once('close', () => this.#secured.delete(socket));
      const name = options.requestCert === true ? gatewayOf(socket) : undefined;
      if (options.requestCert !== true || name !== undefined) {
        this.#accept(socket, name);
        return;
      }
      refusals.add('the certificate’s common name is no name of a gateway', { remote: socket.remoteAddress });
      socket.destroy();
    });
    server.on('connection', (socket: Socket) => this.#shake(socket));
    server.on('tlsClientError', (err, socket) => {
      refusals.add('the TLS handshake failed', { remote: socket.remoteAddress, err });
    });
    return server;
  }

  /** Counts a socket, and the time, until its handshake is done. */
  #shake(socket: Socket): void {
    const place = placeOf(socket);
    const fail = (what: string) => (): unknown => socket.destroy(new Error(what));
    const cancel = this.#options.clock.after(HANDSHAKE_MS, fail('it takes too long'));
    const done = (): void => {
      cancel();
      if (this.#shaking.get(place) === done) this.#shaking.delete(place);
      this.#handshakes.delete(socket);
    };
    this.#shaking.set(place, done);
    socket.once('close', done);
    this.#handshakes.add(socket, socket.remoteAddress ?? '')?.destroy(new Error('too many at once'));
  }

  #accept(socket: Socket, peer: Peer): void {
    const { connectionsMax, packetBytesMax, refusals, onConnection } = this.#options;
    const remote = socket.remoteAddress;
    if (this.#accepted.size >= connectionsMax) {
      refusals.add('too many connections', { gateway: peer, remote });
      socket.destroy();
      return;
    }
    this.#accepted.add(socket);
    socket.once('close', () => this.#accepted.delete(socket));
    const oldest = peer === undefined ? undefined : this.#ofGateways.add(socket, peer);
    if (oldest !== undefined) {
      refusals.add('too many connections of one gateway', { gateway: peer, remote });
      oldest.destroy();
    }
    const onTooLarge = (): void => refusals.add('a packet is too large', { gateway: peer, remote });
    onConnection(new BoundedConnection(socket, packetBytesMax, onTooLarge), peer);
  }
}

/** Where a socket comes from: of those that are open, no other. */
function placeOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

const SOCKET: ServerOpts = { noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEPALIVE_MS };

/** The gateway that a verified certificate names, or undefined where it names none. */
function gatewayOf(socket: TLSSocket): string | undefined {
  const name: unknown = socket.getPeerCertificate().subject?.CN;
  return typeof name === 'string' && NAME_PATTERN.test(name) ? name : undefined;
}
