import type { Clock } from '../../runtime/clock.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { StateFile } from '../../runtime/state-file.ts';
import type { LogEntry } from '../recordlog/recordlog.ts';
import { GatewayFacts, type KeptGateway } from './gateway-facts.ts';

export interface FleetOptions {
  /** Where what is known outlives the process. */
  readonly file: Pick<StateFile<KeptFleet>, 'load' | 'save'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Gateways that are told apart; 1000 when left out. */
  readonly gatewaysMax?: number;
}

export interface KeptFleet {
  readonly version: 1;
  readonly gateways: Readonly<Record<string, KeptGateway>>;
}

const GATEWAYS_MAX = 1000;
/** The name that the others have together; no gateway can have it. */
export const OTHER_GATEWAYS = '_other';
/** An alarm is kept after this, everything else with it or after the longer time, in milliseconds. */
const SAVE_SOON_MS = 500;
const SAVE_MS = 30_000;
/** A gateway that was not heard for so long is forgotten at the next start. */
const FORGET_MS = 30 * 86_400_000;

/** What is known of all gateways, as far as this copy of the centre has heard it. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #gateways = new Map<string, GatewayFacts>();
  #cancelSave: (() => void) | undefined;
  #saveAtMs = Number.POSITIVE_INFINITY;
  #isFailing = false;
  #isClosed = false;

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  get gateways(): ReadonlyMap<string, GatewayFacts> {
    return this.#gateways;
  }

  /** Takes up what an earlier process knew. A file that cannot be read is logged, and all begins anew. */
  async restore(): Promise<void> {
    const { file, clock, log, gatewaysMax = GATEWAYS_MAX } = this.#options;
    try {
      const kept = await file.load();
      if (kept === undefined) return;
      if (kept.version !== 1) throw new MooringError('STATE_FAILED', 'what is kept of gateways is of another version');
      for (const [name, gateway] of Object.entries(kept.gateways)) {
        if (this.#gateways.size >= gatewaysMax || this.#gateways.has(name)) continue;
        if (clock.wallMs() - gateway.heardMs < FORGET_MS) this.#gateways.set(name, new GatewayFacts(gateway));
      }
    } catch (error) {
      if (!(error instanceof MooringError)) throw error;
      log.warn({ err: error }, 'what was known of gateways is forgotten: alarms that stand show when they change');
    }
  }

  /** A batch came, whatever becomes of it. */
  heard(name: string, bytes: number): void {
    const facts = this.#factsOf(name);
    facts.receivedBytes += bytes;
    facts.heardMs = this.#options.clock.wallMs();
    this.#saveWithin(SAVE_MS);
  }

  /** The log took these. */
  took(entry: Pick<LogEntry, 'gateway' | 'run' | 'records'>): void {
    const facts = this.#factsOf(entry.gateway);
    if (this.#isOther(facts)) facts.records += entry.records.length;
    else if (facts.took(entry, this.#options.clock.wallMs())) this.#saveWithin(SAVE_SOON_MS);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelSave?.();
    if (this.#saveAtMs !== Number.POSITIVE_INFINITY) await this.#save();
  }

  #factsOf(name: string): GatewayFacts {
    const { gatewaysMax = GATEWAYS_MAX } = this.#options;
    const known = this.#gateways.get(name);
    if (known !== undefined) return known;
    const isRoom = this.#gateways.size < gatewaysMax;
    const facts = (isRoom ? undefined : this.#gateways.get(OTHER_GATEWAYS)) ?? new GatewayFacts();
    this.#gateways.set(isRoom ? name : OTHER_GATEWAYS, facts);
    return facts;
  }

  #isOther(facts: GatewayFacts): boolean {
    return this.#gateways.get(OTHER_GATEWAYS) === facts;
  }

  #saveWithin(durationMs: number): void {
    const { clock } = this.#options;
    const atMs = clock.monotonicMs() + durationMs;
    if (this.#isClosed || this.#saveAtMs <= atMs) return;
    this.#cancelSave?.();
    this.#saveAtMs = atMs;
    this.#cancelSave = clock.after(durationMs, () => void this.#save());
  }

  async #save(): Promise<void> {
    this.#saveAtMs = Number.POSITIVE_INFINITY;
    const named = [...this.#gateways].flatMap(([name, facts]) => {
      const kept = name === OTHER_GATEWAYS ? undefined : facts.kept();
      return kept === undefined ? [] : [[name, kept] as const];
    });
    try {
      await this.#options.file.save({ version: 1, gateways: Object.fromEntries(named) });
      this.#isFailing = false;
    } catch (error) {
      if (!(error instanceof MooringError)) throw error;
      if (!this.#isFailing) this.#options.log.warn({ err: error }, 'what is known of gateways is not kept');
      this.#isFailing = true;
    }
  }
}
