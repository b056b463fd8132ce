import type { GpioEdge, GpioInputSettings } from '../../../drivers/driver.ts';
import type { Clock } from '../../../runtime/clock.ts';
import type { Log } from '../../../runtime/log.ts';
import { BoundedQueue } from '../bounded-queue.ts';
import { Debouncer } from './debouncer.ts';

/** An edge may be on its way for so long: what the line has missed is told only when none has contradicted it by then. */
const ON_THE_WAY_MS = 100;
/** Edges that may wait for a slow reader: a minute of an anemometer in a gale. */
const EDGES_MAX = 8192;

/** Edges of one opening of a line, from the kernel's word to whoever counts them: debounced, those that are asked for. */
export class EdgeListener {
  readonly #settings: GpioInputSettings;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #debouncer: Debouncer;
  readonly #queue = new BoundedQueue<GpioEdge>(EDGES_MAX, () => 1);
  #cancelSettle: () => void = () => undefined;
  #hasSaidSlow = false;

  constructor(settings: GpioInputSettings, clock: Clock, log: Log) {
    this.#settings = settings;
    this.#clock = clock;
    this.#log = log;
    this.#debouncer = new Debouncer(settings.debounceMs);
  }

  /** Every edge of the line, rising and falling. */
  take(edge: GpioEdge): void {
    this.#push(this.#debouncer.take(edge));
    this.#await();
  }

  /** Nothing comes any more: with an error where the line is lost, else because it is closed. */
  end(error?: Error): void {
    this.#cancelSettle();
    this.#queue.end(error);
  }

  read(signal: AbortSignal): AsyncGenerator<GpioEdge> {
    return this.#queue.read(signal);
  }

  #await(): void {
    this.#cancelSettle();
    const { dueMs } = this.#debouncer;
    if (dueMs === undefined) return;
    const waitMs = Math.max(0, dueMs - this.#clock.monotonicMs()) + ON_THE_WAY_MS;
    this.#cancelSettle = this.#clock.after(waitMs, () => {
      this.#push(this.#debouncer.settle(dueMs));
      this.#await();
    });
  }

  #push(edges: readonly GpioEdge[]): void {
    const { edge: wanted, line } = this.#settings;
    for (const edge of edges) {
      if (wanted === 'both' || (wanted === 'rising') === (edge.level === 1)) this.#queue.push(edge);
    }
    if (this.#queue.dropped === 0 || this.#hasSaidSlow) return;
    this.#hasSaidSlow = true;
    this.#log.warn({ line, edgesMax: EDGES_MAX }, 'edges of a GPIO line come faster than read');
  }
}
