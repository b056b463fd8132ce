import { CentreSessions } from '../../../protocol/udp/centre-sessions.ts';
import { peekDatagram } from '../../../protocol/udp/datagram.ts';
import type { Clock } from '../../../runtime/clock.ts';
import type { Log } from '../../../runtime/log.ts';
import type { Random } from '../../../runtime/random.ts';
import type { UdpIngestConfig } from '../../config/types.ts';
import type { BatchReceiver, Ingest, UdpIngestStatus } from '../ingest.ts';
import { type BindDatagrams, bindDatagrams, type DatagramSocket, type PeerAddress } from './datagram-socket.ts';
import { KeyFolder } from './key-folder.ts';
import { UdpWatch } from './udp-watch.ts';

export interface UdpIngestOptions {
  readonly config: UdpIngestConfig;
  readonly intake: BatchReceiver;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Left out: this machine's network. */
  readonly bind?: BindDatagrams;
}

/**
 * Batches in sealed datagrams, one socket for all gateways (docs/protocol.md, "Datagrams"). What is not authentic reaches
 * nothing here and is not answered. An ack goes to where its gateway was heard last; one that does not arrive is asked for
 * again, by the gateway that sends its records again.
 */
export class UdpIngest implements Ingest {
  readonly #options: UdpIngestOptions;
  readonly #log: Log;
  readonly #keys: KeyFolder;
  readonly #sessions: CentreSessions<PeerAddress>;
  readonly #watch: UdpWatch;
  #socket: DatagramSocket | undefined;
  #cancelTick: (() => void) | undefined;
  #tickMs = Number.POSITIVE_INFINITY;
  #acksDropped = 0;

  constructor(options: UdpIngestOptions) {
    const { config, random, clock } = options;
    this.#options = options;
    this.#log = options.log.child({ ingest: 'udp' });
    this.#keys = new KeyFolder({ path: config.keysDir, clock, log: this.#log });
    this.#sessions = new CentreSessions<PeerAddress>({
      keyOf: (gateway) => this.#keys.keyOf(gateway),
      random,
      transmit: (datagram, address) => this.#socket?.send(datagram, address),
      deliver: (gateway, message, reply) => this.#deliver(gateway, message, reply),
    });
    this.#watch = new UdpWatch({ clock, log: this.#log, sessions: this.#sessions });
  }

  /** Throws `UDP_KEY_UNUSABLE` for a folder that cannot be read, or `SOCKET_FAILED`. */
  async open(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.#keys.open();
    const { config, bind = bindDatagrams } = this.#options;
    this.#socket = await bind(config.listen, (datagram, from) => this.#receive(datagram, from));
    this.#watch.start();
    const { address, receiveBufferBytes } = this.#socket;
    this.#log.info({ ...address, gateways: this.#keys.size, receiveBufferBytes }, 'listening for datagrams');
  }

  status(): UdpIngestStatus {
    const { received, delivered, garbage, reflected, unknownGateway, forged, replayed, unchallenged } =
      this.#sessions.counters;
    return {
      mode: 'udp',
      address: this.#socket?.address,
      gateways: this.#keys.size,
      sessions: this.#sessions.size,
      received,
      delivered,
      refused: { garbage, reflected, unknownGateway, forged, replayed, unchallenged },
      acksDropped: this.#acksDropped,
    };
  }

  /** What waits to be sent again stays unsent: its gateway asks the next process. */
  async close(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#sessions.tick(this.#options.clock.monotonicMs());
    this.#socket = undefined;
    this.#cancelTick?.();
    this.#watch.stop();
    await socket.close();
    await this.#keys.settled();
  }

  #receive(datagram: Uint8Array, from: PeerAddress): void {
    const address = { address: from.address, port: from.port };
    const refusal = this.#sessions.receive(datagram, address, this.#options.clock.monotonicMs());
    if (refusal === 'unknownGateway') this.#watch.unknown(peekDatagram(datagram)?.gateway, from.address);
    if (refusal === 'forged') this.#keys.doubt();
    this.#schedule();
  }

  #deliver(gateway: string, message: Uint8Array, reply: (message: Uint8Array, nowMs: number) => boolean): void {
    this.#watch.heard(gateway);
    const answer = (ack: Uint8Array): void => {
      if (this.#socket === undefined || !reply(ack, this.#options.clock.monotonicMs())) this.#acksDropped += 1;
      else this.#schedule();
    };
    this.#options.intake.receive(gateway, message, answer, { way: this });
  }

  #schedule(): void {
    const { clock } = this.#options;
    const dueMs = this.#sessions.nextDueMs();
    // One that is set for earlier looks again by itself: most of the time there is nothing to set anew.
    if (this.#socket === undefined || this.#tickMs <= dueMs) return;
    this.#cancelTick?.();
    this.#tickMs = dueMs;
    this.#cancelTick = clock.after(dueMs - clock.monotonicMs(), () => {
      this.#tickMs = Number.POSITIVE_INFINITY;
      this.#sessions.tick(clock.monotonicMs());
      this.#schedule();
    });
  }
}
