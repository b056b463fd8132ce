import type { RemoteStore } from '../../central/sinks/remote/remote-store.ts';
import { MooringError } from '../../runtime/errors.ts';

/** So often something is tried; each try has the store's own deadline. */
const TRIES = 4;

/**
 * A store as its feed has it: what it cannot do now is tried again, some times. A server that has just started misses a deadline where
 * the machine does much else, and that is not what a test is about.
 */
export function patient(store: RemoteStore): RemoteStore {
  return {
    name: store.name,
    open: (signal) => again(() => store.open(signal)),
    write: (records) => again(() => store.write(records)),
    close: () => store.close(),
  };
}

async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries === TRIES || !(error instanceof MooringError) || error.retry !== 'later') throw error;
    }
  }
}
