import type { CentreSessions, CentreSessionsCounters } from '../../../protocol/udp/centre-sessions.ts';
import type { Clock } from '../../../runtime/clock.ts';
import type { Log } from '../../../runtime/log.ts';

export interface UdpWatchOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly sessions: Pick<CentreSessions<never>, 'lastHeardMs' | 'counters'>;
}

const LOOK_MS = 5000;
/** A gateway that sends nothing for so long is told of. */
const SILENT_MS = 600_000;
/** Between two lines about refusals of one kind, in milliseconds: whoever is refused usually comes back at once. */
const EVERY_MS = 60_000;

/** What is told, with why. Repeats are not: a network that doubles datagrams is no attack. */
const REFUSALS: Readonly<Partial<Record<keyof CentreSessionsCounters, string>>> = {
  forged: 'they are not sealed with the key of their gateway',
  reflected: 'they are our own, sent back',
  garbage: 'they are none of ours',
};

/** Tells of gateways that come and go, and of what is refused, without letting anybody fill the log. */
export class UdpWatch {
  readonly #options: UdpWatchOptions;
  readonly #gateways = new Set<string>();
  readonly #said = new Map<string, { readonly atMs: number; readonly count: number }>();
  #cancel: (() => void) | undefined;

  constructor(options: UdpWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#cancel = this.#options.clock.after(LOOK_MS, () => {
      this.#look();
      this.start();
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#look();
  }

  /** A message of this gateway came. */
  heard(gateway: string): void {
    if (this.#gateways.has(gateway)) return;
    this.#gateways.add(gateway);
    this.#options.log.info({ gateway }, 'a gateway sends over UDP');
  }

  /** A datagram named a gateway that has no key: most often its file is missing here. */
  unknown(gateway: string | undefined, remote: string): void {
    const hint = 'Put its key into the folder of keys, as `<gateway>.key`.';
    this.#say('unknownGateway', { gateway, remote, hint, reason: 'their gateway has no key here' });
  }

  #look(): void {
    const { sessions, clock, log } = this.#options;
    for (const gateway of this.#gateways) {
      const lastMs = sessions.lastHeardMs(gateway) ?? Number.NEGATIVE_INFINITY;
      if (clock.monotonicMs() - lastMs < SILENT_MS) continue;
      this.#gateways.delete(gateway);
      log.info({ gateway }, 'a gateway is not heard over UDP any more');
    }
    for (const [kind, reason] of Object.entries(REFUSALS)) this.#say(kind as keyof CentreSessionsCounters, { reason });
  }

  #say(kind: keyof CentreSessionsCounters, fields: Readonly<Record<string, unknown>>): void {
    const { clock, log, sessions } = this.#options;
    const { atMs, count: saidCount } = this.#said.get(kind) ?? { atMs: Number.NEGATIVE_INFINITY, count: 0 };
    const nowMs = clock.monotonicMs();
    if (nowMs - atMs < EVERY_MS) return;
    // They are summed up over all sessions: not for every datagram of a flood.
    const count = sessions.counters[kind];
    if (count === saidCount) return;
    log.warn({ ...fields, refused: count - saidCount }, 'datagrams are refused');
    this.#said.set(kind, { atMs: nowMs, count });
  }
}
