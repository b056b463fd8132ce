import type { MetricTable } from '../metric-names.ts';
import type { FieldPath } from './field-path.ts';
import type { TimeRule } from './time-rule.ts';
import type { ValueRule } from './value-rule.ts';

/** Where something is, or what it always is. */
export type FieldRule = { readonly path: FieldPath } | { readonly constant: string | number | boolean };

/** Degrees or metres, or where they are. */
export type PlaceRule = { readonly path: FieldPath } | { readonly constant: number };

/** A metric, and how its value is come by. */
export interface MetricField {
  readonly metric: string;
  readonly field: FieldRule;
  readonly rule: ValueRule;
}

/** Values that come with their names. */
export interface NamedValues {
  /** A list, or an object. */
  readonly each: FieldPath;
  /** In an entry of the list; with `value`, or undefined with it: the keys of an object are the names. */
  readonly name: FieldPath | undefined;
  readonly value: FieldPath | undefined;
  readonly unit: FieldPath | undefined;
}

/** A mapping file, checked: what it names exists, converts and fits together. */
export interface Mapping {
  /** Of JSON: the list whose entries are readings; undefined: the message is one. */
  readonly each: FieldPath | undefined;
  /** Undefined: JSON. */
  readonly lines:
    | { readonly separator: string; readonly columns: readonly string[]; readonly quotes: boolean }
    | undefined;
  readonly decimal: '.' | ',';
  /** Joined with `/`. */
  readonly sourceId: readonly FieldRule[];
  /** Undefined: the time of the receipt. */
  readonly time: { readonly fields: readonly FieldPath[]; readonly rule: TimeRule } | undefined;
  readonly metrics: readonly MetricField[];
  readonly named: NamedValues | undefined;
  /** Of both, by the name in `metrics`, and by the foreign name in `named`. */
  readonly table: MetricTable;
  readonly location:
    | { readonly lat: PlaceRule; readonly lon: PlaceRule; readonly alt: PlaceRule | undefined }
    | undefined;
  readonly info: readonly (readonly [name: string, field: FieldRule])[];
}
