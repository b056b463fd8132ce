import type { RunId } from '../../protocol/ids.ts';
import type { Range } from '../../protocol/intervals.ts';
import { MooringError } from '../../runtime/errors.ts';

/** What a store knows of a run, towards one forwarder. */
export interface StoredRun {
  readonly run: RunId;
  readonly gateway: string;
  /** The highest sequence that the store ever committed; 0 when it committed none. */
  readonly last: number;
  readonly unsettled: readonly Range[];
  /** Settled because the centre has them: rejected ones are not among them. */
  readonly acked: readonly Range[];
}

export interface StoreReader {
  /** Forwarders that hold rows. */
  readonly forwarders: readonly string[];
  /** Towards one forwarder, which may be left out where there is only one. */
  runs(forwarder?: string): readonly StoredRun[];
  close(): void;
}

/** Opens a store read only, whether or not a gateway has it open. Throws a `MooringError` when it is no store. */
export function openStoreReader(path: string): StoreReader {
  throw new MooringError('STORE_FAILED', 'not built yet', { context: { path } });
}
