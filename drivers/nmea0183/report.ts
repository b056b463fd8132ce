import type { Location } from '../../protocol/record.ts';
import type { Settings } from './options.ts';

/** What one sentence says of one metric. */
export interface Claim {
  readonly metric: string;
  /** The kind of sentence, as `preference.ts` ranks it: `MWV,T`, `RMC`, … */
  readonly source: string;
  /** In the registry's unit; undefined where the sentence itself says that its data are not valid. */
  readonly value: number | undefined;
}

/** Everything that one sentence says. An empty field says nothing, so it is not here. */
export interface Report {
  readonly claims: readonly Claim[];
  readonly position?: { readonly source: string; readonly location: Location };
  /** Whether the receiver has a fix; absent where the sentence does not say. */
  readonly hasFix?: boolean;
  /** A dated UTC time as it stands in the sentence, whether or not it can be trusted. */
  readonly utcMs?: number;
}

/** Reads the fields of one kind of sentence. */
export type Reader = (fields: readonly string[], settings: Settings) => Report;

/** Claims for the values that are there. With `isValid` false: claims that all of these metrics are invalid. */
export function claims(
  source: string,
  isValid: boolean,
  values: Readonly<Record<string, number | undefined>>,
): readonly Claim[] {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined || !isValid)
    .map(([metric, value]) => ({ metric, source, value: isValid ? value : undefined }));
}
