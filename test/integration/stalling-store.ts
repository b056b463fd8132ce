import type { GatewayOptions } from '../../daemon/app.ts';
import type { Appended, AppendOptions } from '../../daemon/store/store.ts';
import type { Observation } from '../../protocol/record.ts';
import type { MooringError } from '../../runtime/errors.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { MemoryStore } from '../../sim/memory-store.ts';

/** A store that a test can make stall, and a way to report its death. */
export class StallingStore extends MemoryStore {
  appended = 0;
  /** While it is set, appends are answered with it. */
  refusal: MooringError | undefined;
  #resume: (() => void) | undefined;
  #stalled: Promise<void> | undefined;

  stall(): void {
    this.#stalled = new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  resume(): void {
    this.#resume?.();
  }

  override async append(observations: readonly Observation[], options: AppendOptions): Promise<Appended> {
    await this.#stalled;
    if (this.refusal !== undefined) throw this.refusal;
    this.appended += observations.length;
    return await super.append(observations, options);
  }
}

/** Options of a gateway that keeps its records in such a store, with the store itself. */
export function inMemory(clock: GatewayOptions['clock']): {
  readonly store: StallingStore;
  readonly died: (error: MooringError) => void;
  readonly options: Pick<GatewayOptions, 'storeOf'>;
} {
  const store = new StallingStore({ gateway: 'plaka', salt: new SeededRandom(1).bytes(16), clock });
  let report: ((error: MooringError) => void) | undefined;
  const storeOf: NonNullable<GatewayOptions['storeOf']> = ({ onDied }) => {
    report = onDied;
    return store;
  };
  return { store, died: (error) => report?.(error), options: { storeOf } };
}
