import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../../../runtime/clock.ts';
import type { ListenAddress } from '../../../runtime/config/values.ts';
import { addressOf, listening } from '../../../runtime/listening.ts';
import type { Log } from '../../../runtime/log.ts';
import { SocketQuota } from '../socket-quota.ts';
import type { MessageTaker, ReceivedMessage } from './foreign-intake.ts';
import { foreignReplyOf } from './foreign-reply.ts';
import { LineSplitter } from './line-splitter.ts';
import { RefusalNotices } from './refusal-notices.ts';
import type { Admitted, SealGate } from './seal-gate.ts';

export interface TcpSourceOptions {
  /** Key of `sources`. */
  readonly source: string;
  readonly listen: ListenAddress;
  /** Bytes of one line without its end; a longer one is refused. */
  readonly lineBytesMax: number;
  /** How long a connection may say nothing, in milliseconds. */
  readonly idleMs: number;
  /** Connections from one address; beyond that the oldest gives way. */
  readonly connectionsPerAddressMax: number;
  /** Whether a sender is told of its message once it is durable. */
  readonly isReplying: boolean;
  readonly intake: MessageTaker;
  /** Undefined: messages are not sealed. */
  readonly gate?: SealGate | undefined;
  /** Bytes of messages that are read and not stored, until no more is read; 4 MiB if left out. */
  readonly waitingBytesMax?: number;
  readonly clock: Clock;
  readonly log: Log;
}

export interface TcpSourceStatus {
  /** Undefined until it listens, and after it was closed. */
  readonly address: ListenAddress | undefined;
  readonly connections: number;
  /** Lines that were not too long. */
  readonly received: number;
  /** Lines longer than `max`: nobody has read them. */
  readonly tooLong: number;
  /** Connections that had to give way to newer ones. */
  readonly displaced: number;
  /** Lines that were read and not stored when it was closed. */
  readonly lost: number;
  readonly waiting: number;
  readonly replies: number;
}

const CONNECTIONS_MAX = 256;
const WAITING_BYTES_MAX = 4 * 2 ** 20;
/** What one that waits costs beside its bytes. */
const LINE_COST_BYTES = 200;
/** Replies that a sender has not read: beyond that it is let go. */
const UNREAD_BYTES_MAX = 65_536;

interface Connection {
  readonly socket: Socket;
  readonly remote: string;
  /** Its lines that are not settled. */
  underWay: number;
  /** The sender says no more. */
  isEnded: boolean;
}

/**
 * Messages of existing devices over TCP, one a line. What the intake does not take waits here, and beyond a bound nothing
 * more is read: senders have to wait, too.
 */
export class TcpSource {
  readonly #options: TcpSourceOptions;
  readonly #log: Log;
  readonly #notices: RefusalNotices<'tooLong' | 'displaced' | 'lost'>;
  readonly #quota: SocketQuota;
  readonly #connections = new Set<Connection>();
  readonly #held = new Set<Socket>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  #server: Server | undefined;
  #waiting = 0;
  #waitingBytes = 0;
  #received = 0;
  #replies = 0;

  constructor(options: TcpSourceOptions) {
    this.#options = options;
    this.#log = options.log.child({ source: options.source });
    this.#notices = new RefusalNotices(options.clock, this.#log);
    this.#quota = new SocketQuota(CONNECTIONS_MAX, options.connectionsPerAddressMax);
  }

  /** Throws `SOCKET_FAILED`. */
  async open(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { listen, source } = this.#options;
    // Half open: who has said all may still be told what became of it.
    const server = createServer({ allowHalfOpen: true, keepAlive: true, noDelay: true }, (socket) =>
      this.#accept(socket),
    );
    await listening(server, {
      address: listen,
      key: `sources.${source}.tcp.listen`,
      otherwise: 'a source cannot listen for connections',
      onError: (err) => this.#log.error({ err }, 'a source cannot take a connection'),
    });
    this.#server = server;
    this.#log.info({ ...this.status().address }, 'a source listens for connections');
  }

  status(): TcpSourceStatus {
    return {
      address: addressOf(this.#server),
      connections: this.#connections.size,
      received: this.#received,
      tooLong: this.#notices.count('tooLong'),
      displaced: this.#notices.count('displaced'),
      lost: this.#notices.count('lost'),
      waiting: this.#waiting,
      replies: this.#replies,
    };
  }

  /** Hears nothing more. What waits is lost, and told of. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.#closing.abort();
    if (server === undefined) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const { socket } of this.#connections) socket.destroySoon();
    await closed;
    await Promise.allSettled(this.#underWay);
    this.#notices.end();
  }

  #accept(socket: Socket): void {
    const remote = socket.remoteAddress ?? '';
    const connection: Connection = { socket, remote, underWay: 0, isEnded: false };
    const { clock, idleMs, lineBytesMax } = this.#options;
    const displaced = this.#quota.add(socket, remote);
    if (displaced !== undefined) {
      this.#notices.add('displaced', 'connections to a source gave way to newer ones', { remote });
      displaced.destroy();
    }
    this.#connections.add(connection);
    // Who is held back cannot be heard: that is no silence.
    const letGo = (): void => {
      if (this.#held.has(socket)) cancelIdle = clock.after(idleMs, letGo);
      else socket.destroy();
    };
    let cancelIdle = clock.after(idleMs, letGo);
    const lines = new LineSplitter(
      lineBytesMax,
      (line) => this.#hear(connection, line),
      () => {
        const context = { remote, bytesMax: lineBytesMax };
        this.#notices.add('tooLong', 'lines of a source are refused: they are longer than `max`', context);
      },
    );
    socket.on('data', (chunk: Buffer) => {
      cancelIdle();
      cancelIdle = clock.after(idleMs, letGo);
      lines.push(chunk);
      this.#holdBack(socket);
    });
    socket.on('end', () => {
      lines.end();
      connection.isEnded = true;
      this.#endWhereDone(connection);
    });
    // It closes as well: nothing is lost by it but what was not yet a line.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      cancelIdle();
      this.#held.delete(socket);
      this.#connections.delete(connection);
    });
  }

  #hear(connection: Connection, line: Uint8Array): void {
    const { gate, clock } = this.#options;
    // Of what came with a forged line, nothing is read.
    if (connection.socket.destroyed) return;
    this.#received += 1;
    const admitted = gate?.admit(line, connection.remote);
    if (typeof admitted === 'string') {
      // Who has not the key has nothing to say here.
      if (admitted === 'forged') connection.socket.destroy();
      return;
    }
    const message = { bytes: admitted?.message ?? line, topic: undefined, receivedAtMs: clock.wallMs() };
    const bytes = message.bytes.length + LINE_COST_BYTES;
    this.#waiting += 1;
    this.#waitingBytes += bytes;
    connection.underWay += 1;
    const work = this.#take(connection, message, admitted).finally(() => {
      this.#underWay.delete(work);
      this.#waiting -= 1;
      this.#waitingBytes -= bytes;
      connection.underWay -= 1;
      this.#goOn();
      this.#endWhereDone(connection);
    });
    this.#underWay.add(work);
  }

  async #take(connection: Connection, message: ReceivedMessage, admitted: Admitted | undefined): Promise<void> {
    const { intake, source, isReplying, clock } = this.#options;
    let outcome = await intake.take(message);
    while (!outcome.isTaken) {
      const isClosed = await clock.sleep(outcome.retryAfterMs, this.#closing.signal).then(
        () => false,
        () => true,
      );
      if (isClosed) {
        admitted?.settle(false);
        this.#notices.add('lost', 'messages of a source are lost: they cannot be stored', { reason: 'it ends' });
        return;
      }
      outcome = await intake.take(message);
    }
    admitted?.settle(true);
    const reply = isReplying ? foreignReplyOf(source, message, outcome) : undefined;
    const { socket } = connection;
    if (reply === undefined || !socket.writable) return;
    const seal = admitted === undefined ? {} : { sender: admitted.sender, sequence: admitted.sequence };
    socket.write(`${JSON.stringify({ ...reply, ...seal })}\n`);
    this.#replies += 1;
    if (socket.writableLength > UNREAD_BYTES_MAX) socket.destroy();
  }

  #holdBack(socket: Socket): void {
    const { waitingBytesMax = WAITING_BYTES_MAX } = this.#options;
    if (this.#waitingBytes < waitingBytesMax || socket.destroyed) return;
    socket.pause();
    this.#held.add(socket);
  }

  #goOn(): void {
    const { waitingBytesMax = WAITING_BYTES_MAX } = this.#options;
    if (this.#held.size === 0 || this.#waitingBytes >= waitingBytesMax / 2) return;
    for (const socket of this.#held) socket.resume();
    this.#held.clear();
  }

  #endWhereDone({ socket, isEnded, underWay }: Connection): void {
    if (isEnded && underWay === 0) socket.end();
  }
}
