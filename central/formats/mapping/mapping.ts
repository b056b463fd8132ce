import { BOUNDS, type JsonValue, type Location } from '../../../protocol/record.ts';
import { entriesOf, isObject, jsonOf, sourceIdOf, textOf } from '../foreign-json.ts';
import type { ForeignTime } from '../foreign-time.ts';
import type { ForeignMessage, Format, Parsed, Reading, RefusedPart } from '../format.ts';
import { MeasureGroup } from '../measure-group.ts';
import { cutText, parsedOf, refuse, refusedPart } from '../refuse.ts';
import { CsvError, type CsvRow, csvRows } from '../registry/csv.ts';
import { placeOf, type Scope, valueAtPath } from './field-path.ts';
import type { FieldRule, Mapping, NamedValues, PlaceRule } from './mapping-rules.ts';
import { timeBy } from './time-rule.ts';
import { numberIn, valueBy } from './value-rule.ts';

const ENTRIES_MAX = 10_000;

/**
 * A format that is declared in a file (`loadMapping`). It records what the mapping names and nothing else. A field that is not
 * there is left out; one that is `null`, an empty field of a line, what the mapping calls `absent` or what cannot be used
 * has no value (flag 9). An entry or line that cannot be used costs no other.
 */
export class MappingFormat implements Format {
  readonly name = 'mapping';
  readonly #mapping: Mapping;

  constructor(mapping: Mapping) {
    this.#mapping = mapping;
  }

  parse(message: ForeignMessage): Parsed {
    const refused: RefusedPart[] = [];
    const readings: Reading[] = [];
    const parts = scopesOf(this.#mapping, message);
    if (parts.length === 0) refuse('', 'has no entry');
    if (parts.length > ENTRIES_MAX) refuse('', `has more than ${ENTRIES_MAX} entries`);
    for (const { scope, error } of parts) {
      try {
        if (error !== undefined) throw error;
        readings.push(readingOf(this.#mapping, scope, refused));
      } catch (reason) {
        refused.push(refusedPart(textOfEntry(this.#mapping, scope), reason));
      }
    }
    return parsedOf(readings, refused);
  }
}

interface Part {
  readonly scope: Scope;
  /** The part has not the shape of one. */
  readonly error?: unknown;
}

function scopesOf(mapping: Mapping, { bytes, topic }: ForeignMessage): Part[] {
  if (mapping.lines !== undefined) return linesOf(mapping.lines, textOf(bytes), topic);
  const message = jsonOf(bytes);
  const whole = { entry: message, message, topic, at: '' };
  if (mapping.each === undefined) return [{ scope: whole }];
  const list = valueAtPath(mapping.each, whole);
  if (!Array.isArray(list)) return refuse(mapping.each.written, 'is no list');
  const at = mapping.each.written === '$' ? '' : mapping.each.written;
  return (list as readonly JsonValue[]).map((entry, index) => ({
    scope: { entry, message, topic, at: `${at}[${index}]` },
  }));
}

function linesOf(lines: NonNullable<Mapping['lines']>, text: string, topic: string | undefined): Part[] {
  const isOne = text.trimEnd().split('\n').length === 1;
  return rowsOf(lines, text).map(({ line, cells }) => {
    const fields = cells.map((cell) => cell.trim());
    const at = isOne ? '' : `line ${line}`;
    const entry = Object.fromEntries(lines.columns.map((column, index) => [column, fields[index] ?? '']));
    const scope = { entry, message: cells.join(lines.separator), topic, at };
    if (fields.length === lines.columns.length) return { scope };
    const what = `has ${fields.length} of ${lines.columns.length} fields`;
    return { scope, error: refusal(() => refuse(at, what)) };
  });
}

function rowsOf({ separator, quotes }: NonNullable<Mapping['lines']>, text: string): CsvRow[] {
  if (!quotes) {
    return text
      .split('\n')
      .map((line, index) => ({ line: index + 1, cells: line.split(separator) }))
      .filter(({ cells }) => cells.length > 1 || cells[0]?.trim() !== '');
  }
  try {
    return csvRows(text, separator);
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return refuse(`line ${error.line}`, `has ${error.message}`);
  }
}

function refusal(action: () => never): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}

function textOfEntry({ lines }: Mapping, { entry, message }: Scope): string {
  return lines === undefined ? JSON.stringify(entry) : String(message);
}

function readingOf(mapping: Mapping, scope: Scope, refused: RefusedPart[]): Reading {
  const sourceId = sourceIdIn(mapping.sourceId, scope);
  const time = timeIn(mapping.time, scope);
  const own: RefusedPart[] = [];
  const group = new MeasureGroup(mapping.table, own);
  addMetrics(mapping, scope, group, own);
  if (mapping.named !== undefined) addNamed(mapping.named, scope, group, own);
  if (group.isEmpty)
    return refuse(scope.at, own[0] === undefined ? 'says no value' : `says no value: ${own[0].reason}`);
  const location = locationIn(mapping, scope, own);
  const info = { ...time?.info, ...infoIn(mapping, scope, own) };
  refused.push(...own);
  return group.reading({
    sourceId,
    timestampMs: time?.timestampMs,
    ...(location === undefined ? {} : { location }),
    ...(Object.keys(info).length === 0 ? {} : { info }),
  });
}

function sourceIdIn(rules: readonly FieldRule[], scope: Scope): string {
  return rules
    .map((rule) => {
      if ('constant' in rule) return String(rule.constant);
      return sourceIdOf(valueAtPath(rule.path, scope), placeOf(rule.path, scope));
    })
    .join('/');
}

function timeIn(time: Mapping['time'], scope: Scope): ForeignTime | undefined {
  const [first] = time?.fields ?? [];
  if (time === undefined || first === undefined) return undefined;
  const values = time.fields.map((field) => valueAtPath(field, scope));
  const at = placeOf(first, scope);
  if (values.length === 1) return timeBy(time.rule, values[0], at);
  if (values.every(isNothing)) return undefined;
  const texts = values.map((value) => {
    return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : refuse(at, 'is half a time');
  });
  return timeBy(time.rule, texts.join(' '), at);
}

function isNothing(value: JsonValue | undefined): boolean {
  return value === undefined || value === null || value === '';
}

function addMetrics({ metrics, lines }: Mapping, scope: Scope, group: MeasureGroup, refused: RefusedPart[]): void {
  for (const { metric, field, rule } of metrics) {
    const raw = 'constant' in field ? field.constant : valueAtPath(field.path, scope);
    if (raw === undefined) continue;
    const at = 'constant' in field ? metric : placeOf(field.path, scope);
    let value: JsonValue = null;
    try {
      if (lines === undefined || raw !== '') value = valueBy(rule, raw, at);
    } catch (error) {
      refused.push(refusedPart(`${at}: ${JSON.stringify(raw)}`, error));
    }
    group.add({ name: metric, value, at });
  }
}

function addNamed(named: NamedValues, scope: Scope, group: MeasureGroup, refused: RefusedPart[]): void {
  const place = placeOf(named.each, scope);
  const each = valueAtPath(named.each, scope);
  if (each === undefined || each === null) return;
  if (named.name === undefined || named.value === undefined) {
    if (!isObject(each)) {
      refused.push({ text: place, reason: `${place} is no object` });
      return;
    }
    for (const [name, value] of entriesOf(each)) group.add({ name, value, at: `${place}.${name}` });
    return;
  }
  if (!Array.isArray(each)) {
    refused.push({ text: place, reason: `${place} is no list` });
    return;
  }
  for (const [index, entry] of (each as readonly JsonValue[]).entries()) {
    const inEntry = { ...scope, entry, at: `${place}[${index}]` };
    const name = valueAtPath(named.name, inEntry);
    const at = placeOf(named.value, inEntry);
    if (typeof name !== 'string') {
      refused.push({
        text: cutText(JSON.stringify(entry)),
        reason: `${placeOf(named.name, inEntry)} is no name of a value`,
      });
      continue;
    }
    const unit = named.unit === undefined ? undefined : valueAtPath(named.unit, inEntry);
    group.add({ name, value: valueAtPath(named.value, inEntry), unit, at });
  }
}

function locationIn({ location, decimal }: Mapping, scope: Scope, refused: RefusedPart[]): Location | undefined {
  if (location === undefined) return undefined;
  const raws = [location.lat, location.lon].map((rule) => rawPlace(rule, scope));
  if (raws.every(isNothing)) return undefined;
  try {
    const degrees = (rule: PlaceRule, bound: number): number => {
      const value = metres(rule);
      return Math.abs(value) <= bound ? value : refuse(placeIn(rule, scope), `is not from -${bound} to ${bound}`);
    };
    const metres = (rule: PlaceRule): number => {
      const raw = rawPlace(rule, scope);
      const value = typeof raw === 'string' ? numberIn(raw, decimal) : raw;
      if (typeof value !== 'number' || !Number.isFinite(value)) return refuse(placeIn(rule, scope), 'is no number');
      return value + 0;
    };
    const alt =
      location.alt === undefined || isNothing(rawPlace(location.alt, scope)) ? undefined : metres(location.alt);
    return { lat: degrees(location.lat, 90), lon: degrees(location.lon, 180), ...(alt === undefined ? {} : { alt }) };
  } catch (error) {
    refused.push(refusedPart(JSON.stringify(raws), error));
    return undefined;
  }
}

function rawPlace(rule: PlaceRule, scope: Scope): JsonValue | undefined {
  return 'constant' in rule ? rule.constant : valueAtPath(rule.path, scope);
}

function placeIn(rule: PlaceRule, scope: Scope): string {
  return 'constant' in rule ? 'location' : placeOf(rule.path, scope);
}

function infoIn({ info }: Mapping, scope: Scope, refused: RefusedPart[]): Record<string, JsonValue> {
  const found: Record<string, JsonValue> = {};
  for (const [name, rule] of info) {
    const value = 'constant' in rule ? rule.constant : valueAtPath(rule.path, scope);
    if (isNothing(value)) continue;
    try {
      found[name] = infoValueOf(value as JsonValue, 'constant' in rule ? name : placeOf(rule.path, scope));
    } catch (error) {
      refused.push(refusedPart(`${name}: ${JSON.stringify(value)}`, error));
    }
  }
  return found;
}

function infoValueOf(value: JsonValue, at: string): JsonValue {
  if (typeof value === 'object') return refuse(at, 'is an object or a list, and no value');
  if (typeof value === 'number' && !Number.isFinite(value)) return refuse(at, 'is a number without bounds');
  if (typeof value !== 'string') return typeof value === 'number' ? value + 0 : value;
  const text = value.toWellFormed();
  return Buffer.byteLength(text) <= BOUNDS.infoTextBytes
    ? text
    : refuse(at, `has more than ${BOUNDS.infoTextBytes} bytes`);
}
