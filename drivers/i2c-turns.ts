import type { I2cSettings, Ports } from './driver.ts';

/** Chips by where they are, for as long as there is the machine that has them. */
const machines = new WeakMap<Ports, Map<string, ChipTurns>>();

/** The turns of one chip, the same for every sensor that asks for it on one machine: a chip with several inputs has several. */
export function chipTurns(ports: Ports, { bus, address, mux }: I2cSettings): ChipTurns {
  const chips = machines.get(ports) ?? new Map<string, ChipTurns>();
  machines.set(ports, chips);
  const place = [bus, mux?.address, mux?.channel, address].join('/');
  const turns = chips.get(place) ?? new ChipTurns();
  chips.set(place, turns);
  return turns;
}

/** One at a time, in the order in which they came. */
export class ChipTurns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work`, which ends when its signal is aborted, when those before it have ended. Rejects with the signal's reason when that comes first. */
  async take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const before = this.#last;
    const mine = Promise.withResolvers<void>();
    this.#last = before.then(() => mine.promise);
    try {
      await settledUnless(signal, before);
      return await work();
    } finally {
      mine.resolve();
    }
  }
}

async function settledUnless(signal: AbortSignal, before: Promise<unknown>): Promise<void> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([before, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
