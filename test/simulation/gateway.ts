import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { Forwarder } from '../../daemon/forward/forwarder.ts';
import { SqliteStore } from '../../daemon/store/sqlite-store.ts';
import type { Store } from '../../daemon/store/store.ts';
import { GATEWAY_STATION, type Observation } from '../../protocol/record.ts';
import { silentLog } from '../../runtime/log.ts';
import type { SeededRandom } from '../../runtime/random.ts';
import type { SteppedClock } from '../../sim/clock.ts';
import { type Centre, type LinkQuality, LossyTransport } from '../../sim/lossy-transport.ts';

const GATEWAY = 'plaka';
const FORWARDER = 'centre';
const BUDGET_BYTES = 64 * 2 ** 20;

export interface SimulatedGatewayOptions {
  readonly folder: string;
  readonly clock: SteppedClock;
  readonly random: SeededRandom;
  readonly centre: Centre;
}

interface Life {
  readonly folder: string;
  readonly store: Counted;
  readonly forwarder: Forwarder;
  readonly transport: LossyTransport;
}

/** A gateway with a real store and no sensors: it can be restarted, and killed between two commits. */
export class SimulatedGateway {
  readonly #options: SimulatedGatewayOptions;
  #life: Life | undefined;
  #lives = 0;
  /** Records that the store has said are on disk. */
  committed = 0;

  constructor(options: SimulatedGatewayOptions) {
    this.#options = options;
  }

  get link(): LossyTransport {
    return this.#alive.transport;
  }

  get forwarder(): Forwarder {
    return this.#alive.forwarder;
  }

  get storePath(): string {
    return join(this.#alive.folder, 'store.db');
  }

  async start(folder = this.#newFolder()): Promise<void> {
    const { clock, random, centre } = this.#options;
    const log = silentLog;
    const store = new Counted(
      new SqliteStore({
        path: join(folder, 'store.db'),
        gateway: GATEWAY,
        forwarders: [FORWARDER],
        budgetBytes: BUDGET_BYTES,
        lingerMs: 0,
        settleGatherMs: 0,
        random,
        clock,
        log,
        label: () => ({ timestampMs: clock.wallMs(), clock: 'synced' }),
      }),
    );
    const { previous } = await store.port.open();
    const transport = new LossyTransport({ gateway: GATEWAY, centre, clock, random });
    const ports = { name: FORWARDER, gateway: GATEWAY, store: store.port, transport, clock, random, log };
    this.#life = { folder, store, transport, forwarder: new Forwarder(ports) };
    this.append([this.#event({ event: 'boot', ...(previous === undefined ? {} : { previous }) })], true);
    this.#life.forwarder.start();
  }

  /** One tick: a sample of each station, and at times an event. */
  tick(): void {
    const { clock, random } = this.#options;
    this.append(
      ['buoy-7', 'city-1', 'city-2'].map((station) => ({
        station,
        kind: 'sample',
        timestampMs: clock.wallMs(),
        clock: 'synced',
        metrics: {
          temperature: Math.round(random.normal(20, 1) * 100) / 100,
          pressure: 1013 + random.integer(20) / 10,
        },
        flags: random.uniform() < 0.1 ? { humidity: 9 } : {},
      })),
      false,
    );
    if (random.uniform() < 0.05) this.append([this.#event({ event: 'sensor', state: 'failed' })], true);
  }

  append(observations: readonly Observation[], urgent: boolean): void {
    const { store, forwarder } = this.#alive;
    void store.port.append(observations, { urgent }).then(({ first, last }) => {
      this.committed += last - first + 1;
      forwarder.notify();
    });
  }

  setQuality(quality: Partial<LinkQuality>): void {
    this.link.quality = quality;
  }

  /** Stops as SIGTERM does and starts again on the same files. */
  async restart(): Promise<void> {
    const { folder } = this.#alive;
    await this.stop();
    await this.start(folder);
  }

  async stop(): Promise<void> {
    const { forwarder, store } = this.#alive;
    await this.#passing(forwarder.stop());
    await this.#passing(store.port.close());
  }

  /**
   * SIGKILL: the next life begins on the files as they are now, between two commits, and nobody hears of this one again.
   * What it had sent may still arrive.
   */
  async kill(): Promise<void> {
    await this.quiet();
    const { folder, transport } = this.#alive;
    const next = this.#newFolder();
    for (const name of readdirSync(folder)) {
      // SQLite makes its index of the log anew; nobody has the lock.
      if (!/(-shm|\.lock)$/.test(name)) copyFileSync(join(folder, name), join(next, name));
    }
    transport.cut();
    await this.stop();
    await this.start(next);
  }

  /** Resolves when the store has answered everything. */
  async quiet(): Promise<void> {
    await this.#life?.store.answered();
  }

  async pending(): Promise<number> {
    const { forwarders } = await this.#alive.store.port.stats();
    return forwarders[FORWARDER]?.pending ?? 0;
  }

  get #alive(): Life {
    if (this.#life === undefined) throw new Error('the gateway was never started');
    return this.#life;
  }

  /** Lets time pass until something is done. */
  async #passing<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const done = work.finally(() => {
      isDone = true;
    });
    while (!isDone) {
      await this.#options.clock.advance(10);
      await this.quiet();
    }
    return await done;
  }

  #newFolder(): string {
    this.#lives += 1;
    const folder = join(this.#options.folder, `life-${this.#lives}`);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  #event(info: Readonly<Record<string, string>>): Observation {
    const timestampMs = this.#options.clock.wallMs();
    return { station: GATEWAY_STATION, kind: 'event', timestampMs, clock: 'synced', metrics: {}, flags: {}, info };
  }
}

/** Counts what a store has not answered yet: its thread works in real time, and the stepped clock must not run ahead. */
class Counted {
  readonly port: Store;
  #waiting = 0;
  #wake: (() => void) | undefined;

  constructor(store: Store) {
    this.port = new Proxy(store, {
      get: (target, name: keyof Store) => {
        return async (...parameters: never[]) => {
          this.#waiting += 1;
          try {
            return await (target[name] as (...given: never[]) => Promise<unknown>).apply(target, parameters);
          } finally {
            this.#waiting -= 1;
            if (this.#waiting === 0) this.#wake?.();
          }
        };
      },
    });
  }

  /** Resolves when every call has been answered, and those that follow from the answers. */
  async answered(): Promise<void> {
    while (this.#waiting > 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await turn();
    }
  }
}
