import type { RecordKind } from '../../../protocol/record.ts';
import type { FlatRecord } from '../../recordlog/recordlog.ts';

/** Which records a sink takes: those that are in each list that there is. */
export interface Take {
  readonly kinds?: readonly RecordKind[] | undefined;
  readonly gateways?: readonly string[] | undefined;
  readonly stations?: readonly string[] | undefined;
}

/** Whether a sink takes a record. */
export type Takes = (record: Pick<FlatRecord, 'kind' | 'gateway' | 'station'>) => boolean;

export function takesOf({ kinds, gateways, stations }: Take): Takes {
  const [ofKind, ofGateway, ofStation] = [kinds, gateways, stations].map(within);
  return ({ kind, gateway, station }) =>
    ofKind?.(kind) === true && ofGateway?.(gateway) === true && ofStation?.(station) === true;
}

function within(words: readonly string[] | undefined): (word: string) => boolean {
  const set = words === undefined ? undefined : new Set(words);
  return (word) => set?.has(word) ?? true;
}
