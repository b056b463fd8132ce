import type { SqliteStoreOptions } from '../daemon/store/sqlite-store.ts';
import { systemClock } from '../runtime/clock.ts';
import { silentLog } from '../runtime/log.ts';
import { SeededRandom } from '../runtime/random.ts';

/** As the configuration has it when nothing is said. */
export const BUDGET_BYTES = 2 ** 30;
export const GATEWAY = 'bench';
export const FORWARDER = 'centre';

/** A store as a gateway with one way to the centre has it. */
export function storeOptions(path: string): SqliteStoreOptions {
  return {
    path,
    gateway: GATEWAY,
    forwarders: [FORWARDER],
    budgetBytes: BUDGET_BYTES,
    lingerMs: 0,
    random: new SeededRandom(1),
    clock: systemClock,
    log: silentLog,
    label: () => ({ timestampMs: systemClock.wallMs(), clock: 'synced' }),
  };
}
