import assert from 'node:assert/strict';
import type { Clock } from '../../../runtime/clock.ts';
import type { ListenAddress } from '../../../runtime/config/values.ts';
import { MooringError } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import { type BindDatagrams, bindDatagrams, type DatagramSocket, type PeerAddress } from '../udp/datagram-socket.ts';
import type { MessageTaker, ReceivedMessage } from './foreign-intake.ts';
import { foreignReplyOf } from './foreign-reply.ts';
import { RefusalNotices } from './refusal-notices.ts';
import type { Admitted, SealGate } from './seal-gate.ts';

export interface UdpSourceOptions {
  /** Key of `sources`. */
  readonly source: string;
  readonly listen: ListenAddress;
  /** Bytes of one datagram, 65,507 at most; a longer one is refused whole. */
  readonly datagramBytesMax: number;
  /** Whether a sender is told of its message once it is durable. */
  readonly isReplying: boolean;
  readonly intake: MessageTaker;
  /** Undefined: messages are not sealed. */
  readonly gate?: SealGate | undefined;
  /** Bytes of datagrams that wait here while the intake takes none; 4 MiB if left out. */
  readonly waitingBytesMax?: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Left out: this machine's network. */
  readonly bind?: BindDatagrams;
}

export interface UdpSourceStatus {
  /** Undefined until it listens, and after it was closed. */
  readonly address: ListenAddress | undefined;
  /** Datagrams that were not too long. */
  readonly received: number;
  /** Datagrams longer than `max`: nobody has read them. */
  readonly tooLong: number;
  /** Datagrams that were lost here, as too many waited, or as it was closed. */
  readonly lost: number;
  readonly waiting: number;
  readonly replies: number;
}

/** The most that a datagram over IPv4 can carry. What the socket reads into is larger, so none is ever cut unseen. */
const DATAGRAM_BYTES_MAX = 65_507;
const WAITING_BYTES_MAX = 4 * 2 ** 20;
/** What one that waits costs beside its bytes. */
const DATAGRAM_COST_BYTES = 200;

interface Waiting {
  readonly message: ReceivedMessage;
  readonly from: PeerAddress;
  /** Undefined where messages are not sealed. */
  readonly admitted: Admitted | undefined;
}

/**
 * Messages of existing devices in datagrams, one each. Whoever sends a datagram does not send it again: those that the
 * intake does not take wait here, within a bound, and keep the time of their receipt.
 */
export class UdpSource {
  readonly #options: UdpSourceOptions;
  readonly #log: Log;
  readonly #notices: RefusalNotices<'tooLong' | 'lost'>;
  /** Oldest first. */
  readonly #waiting: Waiting[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #waitingBytes = 0;
  #socket: DatagramSocket | undefined;
  #cancelRetry: (() => void) | undefined;
  #received = 0;
  #replies = 0;

  constructor(options: UdpSourceOptions) {
    assert(options.datagramBytesMax <= DATAGRAM_BYTES_MAX, 'no datagram is longer');
    this.#options = options;
    this.#log = options.log.child({ source: options.source });
    this.#notices = new RefusalNotices(options.clock, this.#log);
  }

  /** Throws `SOCKET_FAILED`. */
  async open(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { listen, bind = bindDatagrams, source } = this.#options;
    try {
      this.#socket = await bind(listen, (datagram, from) => this.#receive(datagram, from));
    } catch (cause) {
      if (!(cause instanceof MooringError)) throw cause;
      const isTaken = cause.context.reason === 'EADDRINUSE';
      throw new MooringError('SOCKET_FAILED', 'a source cannot listen for datagrams', {
        cause,
        context: { ...cause.context, source },
        hint: isTaken ? 'Another program listens there: choose another port.' : 'Check the address in `udp.listen`.',
      });
    }
    const { address, receiveBufferBytes } = this.#socket;
    this.#log.info({ ...address, receiveBufferBytes }, 'a source listens for datagrams');
  }

  status(): UdpSourceStatus {
    return {
      address: this.#socket?.address,
      received: this.#received,
      tooLong: this.#notices.count('tooLong'),
      lost: this.#notices.count('lost'),
      waiting: this.#waiting.length,
      replies: this.#replies,
    };
  }

  /** Hears nothing more. What waits is lost, and told of. */
  async close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#cancelRetry?.();
    for (const one of this.#waiting.splice(0)) this.#lost(one, 'it ends');
    this.#waitingBytes = 0;
    await socket?.close();
    await Promise.allSettled(this.#underWay);
    this.#notices.end();
  }

  #receive(datagram: Uint8Array, { address, port }: PeerAddress): void {
    const { datagramBytesMax, gate, clock } = this.#options;
    const from = { address, port };
    if (datagram.length > datagramBytesMax) {
      const context = { remote: address, bytes: datagram.length, bytesMax: datagramBytesMax };
      this.#notices.add('tooLong', 'datagrams of a source are refused: they are longer than `max`', context);
      return;
    }
    this.#received += 1;
    const admitted = gate?.admit(datagram, address);
    if (typeof admitted === 'string') return;
    const message = { bytes: admitted?.message ?? datagram, topic: undefined, receivedAtMs: clock.wallMs() };
    const one = { message, from, admitted };
    if (this.#waiting.length > 0) this.#keep(one);
    else this.#begin(one);
  }

  #begin(one: Waiting): void {
    const work = this.#take(one).finally(() => this.#underWay.delete(work));
    this.#underWay.add(work);
  }

  async #take(one: Waiting): Promise<void> {
    const { intake, source, isReplying } = this.#options;
    const outcome = await intake.take(one.message);
    if (!outcome.isTaken) {
      this.#keep(one);
      this.#retryAfter(outcome.retryAfterMs);
      return;
    }
    const { admitted, from } = one;
    admitted?.settle(true);
    const reply = isReplying ? foreignReplyOf(source, one.message, outcome) : undefined;
    if (reply === undefined || this.#socket === undefined) return;
    const seal = admitted === undefined ? {} : { sender: admitted.sender, sequence: admitted.sequence };
    this.#socket.send(Buffer.from(JSON.stringify({ ...reply, ...seal })), from);
    this.#replies += 1;
  }

  #keep(one: Waiting): void {
    const { waitingBytesMax = WAITING_BYTES_MAX } = this.#options;
    const bytes = costOf(one);
    if (this.#socket === undefined) {
      this.#lost(one, 'it ends');
    } else if (this.#waitingBytes + bytes > waitingBytesMax) {
      this.#lost(one, 'too many wait');
    } else {
      this.#waiting.push(one);
      this.#waitingBytes += bytes;
    }
  }

  #lost({ admitted }: Waiting, reason: string): void {
    admitted?.settle(false);
    this.#notices.add('lost', 'datagrams of a source are lost: they cannot be stored', { reason });
  }

  #retryAfter(durationMs: number): void {
    if (this.#socket === undefined) return;
    this.#cancelRetry ??= this.#options.clock.after(durationMs, () => {
      this.#cancelRetry = undefined;
      const some = this.#waiting.splice(0);
      this.#waitingBytes = 0;
      for (const one of some) this.#begin(one);
    });
  }
}

function costOf({ message }: Waiting): number {
  return message.bytes.length + DATAGRAM_COST_BYTES;
}
