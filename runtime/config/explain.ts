import type { z } from 'zod';
import type { Path } from './document.ts';
import { noteOf, recordKeyOf, schemaAt, shapeOf } from './schema-tree.ts';
import { didYouMean } from './suggest.ts';
import { FORM_HINTS } from './values.ts';

/** A validator's finding in words for people, with the place it is about. */
export interface Explained {
  readonly path: Path;
  /** Whether it is about the key or about its value. */
  readonly at: 'key' | 'value';
  readonly message: string;
  readonly hint: string;
}

type Issue = z.core.$ZodIssue;

/** Says in words what is wrong wherever a schema has no words of its own. Handed to zod as its error map. */
export function sayWhatIsWrong(issue: z.core.$ZodRawIssue): string {
  if (issue.input === undefined) return 'missing';
  switch (issue.code) {
    case 'invalid_type':
      return `${expectedText(issue.expected as string)} is expected, not ${kindOf(issue.input)}`;
    case 'invalid_value':
      return `is none of ${(issue.values as unknown[]).map((value) => `\`${String(value)}\``).join(', ')}`;
    case 'too_small':
      return tooSmall(issue.origin as string, Number(issue.minimum), issue.inclusive !== false);
    case 'too_big':
      return tooBig(issue.origin as string, Number(issue.maximum), issue.inclusive !== false);
    case 'not_multiple_of':
      return `is not a multiple of ${String(issue.divisor)}`;
    case 'invalid_format':
      return `does not have the form ${String(issue.pattern ?? issue.format)}`;
    case 'unrecognized_keys':
      return 'unknown key';
    default:
      return `is not valid here, being ${kindOf(issue.input)}`;
  }
}

/** Every issue of a failed parse; `data` is what was parsed. */
export function explainIssues(schema: z.ZodType, data: unknown, issues: readonly Issue[]): Explained[] {
  return issues.flatMap((issue) => explainIssue(schema, data, issue, []));
}

function explainIssue(schema: z.ZodType, data: unknown, issue: Issue, above: Path): Explained[] {
  const path: Path = [...above, ...(issue.path as Path)];
  const value = valueAt(data, path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(schema, data, path, key));
    case 'invalid_key':
      return issue.issues.map(({ message }) => ({ path, at: 'key', message, hint: keyHint(schema, path) }));
    case 'invalid_union': {
      const branch = branchMeant(issue.errors as Issue[][]);
      if (branch !== undefined) return branch.flatMap((inner) => explainIssue(schema, data, inner, path));
      const message = value === undefined ? 'missing' : `is not valid here, being ${kindOf(value)}`;
      return [{ path, at: 'value', message, hint: hintFor(schema, path, value) }];
    }
    default:
      return [
        {
          path,
          at: issue.code === 'invalid_type' && issue.expected === 'never' ? 'key' : 'value',
          message: issue.message,
          hint: valueHint(schema, path, issue, value),
        },
      ];
  }
}

function unknownKey(schema: z.ZodType, data: unknown, parent: Path, key: string): Explained {
  const owner = schemaAt(schema, parent);
  const known = Object.entries((owner === undefined ? undefined : shapeOf(owner)) ?? {})
    .filter(([, child]) => noteOf(child).later !== true)
    .map(([name]) => name);
  const hint =
    hintForDigits(key, valueAt(data, [...parent, key])) ||
    didYouMean(key, known) ||
    `Known here: ${known.map((name) => `\`${name}\``).join(', ')}.`;
  return { path: [...parent, key], at: 'key', message: 'unknown key', hint };
}

/** For a key that `{ per_pulse: 0,2 }` makes; '' for any other. */
export function hintForDigits(key: string, value: unknown): string {
  return value === null && /^\d+$/.test(key) ? 'A decimal comma? Write a point.' : '';
}

/** The one alternative whose basic type fits: its findings are deeper than "wrong type here". */
function branchMeant(branches: readonly Issue[][]): readonly Issue[] | undefined {
  const fitting = branches.filter(
    (issues) => !issues.some(({ path, code }) => path.length === 0 && WRONG_TYPE.has(code)),
  );
  return fitting.length === 1 ? fitting[0] : undefined;
}

const WRONG_TYPE: ReadonlySet<string | undefined> = new Set(['invalid_type', 'invalid_value', 'invalid_union']);

function valueHint(schema: z.ZodType, path: Path, issue: Issue, value: unknown): string {
  if (issue.code === 'invalid_value' && typeof value === 'string') {
    const near = didYouMean(
      value,
      issue.values.map((each) => String(each)),
    );
    if (near !== '') return near;
  }
  if (issue.code === 'invalid_type' && issue.expected === 'never') return '';
  if (issue.code === 'invalid_type' && issue.expected === 'string' && isQuotable(value)) {
    const { hint } = noteOf(schemaAt(schema, path) ?? schema);
    return hint ?? 'Put it in quotes.';
  }
  if (issue.code === 'invalid_type' && typeof value === 'string') {
    const hints = [hintForText(issue.expected, value), hintFor(schema, path, value)];
    return hints.filter((hint) => hint !== '').join(' ');
  }
  const { hint = '', bounds = '' } = noteOf(schemaAt(schema, path) ?? schema);
  if (issue.code === 'custom' && bounds !== '' && FORMS.has(hint)) return `Allowed: ${bounds}.`;
  return hintFor(schema, path, value);
}

const FORMS: ReadonlySet<string> = new Set(Object.values(FORM_HINTS));
const DECIMAL_COMMA = /^([+-]?\d{1,15}),(\d{1,15})$/;
/** No `0x4c` and no `1e3`: those are numbers. */
const WITH_UNIT = /^([+-]?\d{1,15}(?:\.\d{1,15})?) ?[°%µΩA-Za-z][^\d]*$/;
const ONE_WORD = /^[A-Za-z0-9._-]{1,64}$/;

/** What a text was meant to be where something else is expected. What stands in such a key is no secret. */
function hintForText(expected: string, value: string): string {
  if (expected === 'array' && ONE_WORD.test(value)) return `Write \`[${value}]\`.`;
  if (expected !== 'number' && expected !== 'int') return '';
  const [, whole, part] = DECIMAL_COMMA.exec(value) ?? [];
  if (whole !== undefined) return `A decimal comma? Write \`${whole}.${part}\`.`;
  const [, number] = WITH_UNIT.exec(value) ?? [];
  return number === undefined ? '' : `Write \`${number}\`, without a unit.`;
}

function isQuotable(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'boolean';
}

function hintFor(schema: z.ZodType, path: Path, value: unknown): string {
  const at = schemaAt(schema, path);
  if (at === undefined) return '';
  const { hint, hintOf, description } = noteOf(at);
  if (value === undefined && description !== undefined) return sentence(description);
  return hintOf?.(value) ?? hint ?? '';
}

function keyHint(schema: z.ZodType, path: Path): string {
  const owner = schemaAt(schema, path.slice(0, -1));
  const key = owner === undefined ? undefined : recordKeyOf(owner);
  return key === undefined ? '' : (noteOf(key).hint ?? '');
}

function sentence(text: string): string {
  return /[.?!]$/.test(text) ? text : `${text}.`;
}

/** The value at a path of plain data; undefined where there is none. */
export function valueAt(data: unknown, path: Path): unknown {
  let value = data;
  for (const part of path) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}

function expectedText(expected: string): string {
  const words: Readonly<Record<string, string>> = {
    string: 'text',
    number: 'a number',
    int: 'a whole number',
    boolean: '`true` or `false`',
    object: 'a mapping',
    record: 'a mapping',
    array: 'a list',
    tuple: 'a list',
  };
  return words[expected] ?? expected;
}

/** What a value is, in words that fit "not …". Never the value itself: it may be a secret. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'number' && !Number.isFinite(value)) return 'an infinite or undefined one';
  if (typeof value === 'number') return Number.isInteger(value) ? 'a whole number' : 'a number';
  return typeof value === 'string' ? 'text' : '`true` or `false`';
}

function tooSmall(origin: string, minimum: number, inclusive: boolean): string {
  if (origin === 'string') return minimum === 1 ? 'is empty' : `is shorter than ${minimum} characters`;
  if (isCollection(origin)) return minimum === 1 ? 'is empty' : `has fewer than ${minimum} entries`;
  return inclusive ? `is less than ${minimum}` : `must be more than ${minimum}`;
}

function tooBig(origin: string, maximum: number, inclusive: boolean): string {
  if (origin === 'string') return `is longer than ${maximum} characters`;
  if (isCollection(origin)) return `has more than ${maximum} entries`;
  return inclusive ? `is more than ${maximum}` : `must be less than ${maximum}`;
}

function isCollection(origin: string): boolean {
  return origin === 'array' || origin === 'object' || origin === 'set' || origin === 'map';
}
