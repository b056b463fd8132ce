import { metricNamed } from '../../protocol/metrics.ts';
import type { Path } from '../../runtime/config/document.ts';
import type { ConfigReader } from '../../runtime/config/reader.ts';
import type { MetricCondition, MetricTest } from '../alarms/settings.ts';
import { TESTS } from './alarm-schema.ts';
import type { MetricExtension } from './types.ts';

/** A metric and what is looked for in it, as they were read. */
export interface ConditionKeys {
  readonly metric: string;
  readonly above?: number | undefined;
  readonly below?: number | undefined;
  readonly clear?: number | undefined;
  readonly rises?: number | undefined;
  readonly falls?: number | undefined;
  readonly within?: number | undefined;
  readonly stale?: number | undefined;
  readonly flag?: 3 | 4 | undefined;
  readonly is?: boolean | string | undefined;
}

/** Every condition of a list; undefined where one has a problem. */
export function conditionsIn(
  reader: ConfigReader,
  path: Path,
  list: readonly ConditionKeys[],
  extensions: readonly MetricExtension[],
  use: 'any' | 'good',
): MetricCondition[] | undefined {
  const conditions = list.flatMap((keys, index) => conditionAt(reader, [...path, index], keys, extensions, use) ?? []);
  return conditions.length === list.length ? conditions : undefined;
}

/** The condition that the keys at `path` are; undefined, and reported, where they make no sense together. */
export function conditionAt(
  reader: ConfigReader,
  path: Path,
  keys: ConditionKeys,
  extensions: readonly MetricExtension[],
  use: 'any' | 'good',
): MetricCondition | undefined {
  const [kind, second] = TESTS.filter((key) => keys[key] !== undefined);
  if (kind === undefined) {
    reader.report(path, 'key', 'says not what it looks for', `Add one of ${quoted(TESTS)}.`);
    return undefined;
  }
  const problems: Problem[] = [];
  if (second !== undefined) {
    problems.push([
      second,
      'key',
      `stands beside \`${kind}\``,
      'One test a metric: combine several with `all` or `any`.',
    ]);
  }
  problems.push(...problemsOfCompanions(kind, keys), ...problemsOfType(kind, keys, extensions));
  if (kind === 'flag' && use === 'good') {
    problems.push(['flag', 'key', 'never holds with `use: good`', 'Remove one of them.']);
  }
  for (const [key, at, message, hint] of problems) reader.report([...path, key], at, message, hint);
  return problems.length > 0 ? undefined : { metric: keys.metric, test: testOf(kind, keys) };
}

type Kind = (typeof TESTS)[number];
type Problem = readonly [key: string, at: 'key' | 'value', message: string, hint: string];

function isThreshold(kind: Kind): kind is 'above' | 'below' {
  return kind === 'above' || kind === 'below';
}

function isChange(kind: Kind): kind is 'rises' | 'falls' {
  return kind === 'rises' || kind === 'falls';
}

/** `clear` and `within` belong to some tests only, and have to fit. */
function problemsOfCompanions(kind: Kind, keys: ConditionKeys): Problem[] {
  const problems: Problem[] = [];
  const { clear, within } = keys;
  if (clear !== undefined && !isThreshold(kind)) {
    problems.push(['clear', 'key', 'is for `above` and `below` only', 'Remove it; `clear_after` is for every alarm.']);
  }
  if (within !== undefined && !isChange(kind)) {
    problems.push(['within', 'key', 'is for `rises` and `falls` only', 'Remove it; `after` is for every alarm.']);
  }
  if (within === undefined && isChange(kind)) {
    problems.push([kind, 'key', 'stands without `within`', 'Add it: `{ falls: 3, within: 1h }`.']);
  }
  if (clear !== undefined && isThreshold(kind)) {
    const limit = keys[kind] as number;
    if (kind === 'above' ? clear > limit : clear < limit) {
      const side = kind === 'above' ? 'or less' : 'or more';
      const message = `is on the wrong side of \`${kind}: ${limit}\``;
      problems.push(['clear', 'value', message, `What is raised ${kind} ${limit} is cleared at ${limit} ${side}.`]);
    }
  }
  return problems;
}

function problemsOfType(kind: Kind, { metric, is }: ConditionKeys, extensions: readonly MetricExtension[]): Problem[] {
  const type = (metricNamed(metric) ?? extensions.find(({ name }) => name === metric))?.type;
  if (type === undefined) return [];
  const words = { number: 'a number', boolean: 'true or false', text: 'a text' } as const;
  if (isThreshold(kind) || isChange(kind)) {
    if (type === 'number') return [];
    const hint = type === 'boolean' ? 'Write `is: true` or `is: false`.' : 'Write `is:` and the text.';
    return [[kind, 'key', `\`${metric}\` is ${words[type]}`, hint]];
  }
  if (kind !== 'is') return [];
  if (type === 'number') return [['is', 'key', `\`${metric}\` is a number`, 'Use `above` or `below`.']];
  return (type === 'boolean') === (typeof is === 'boolean')
    ? []
    : [['is', 'value', `\`${metric}\` is ${words[type]}`, '']];
}

function testOf(kind: Kind, keys: ConditionKeys): MetricTest {
  switch (kind) {
    case 'above':
    case 'below': {
      // The limit stands in records, which know no -0.
      const limit = (keys[kind] as number) + 0;
      return { kind, limit, clear: keys.clear ?? limit };
    }
    case 'rises':
    case 'falls':
      return { kind, by: keys[kind] as number, withinMs: keys.within as number };
    case 'stale':
      return { kind, forMs: keys.stale as number };
    case 'flag':
      return { kind, from: keys.flag as 3 | 4 };
    case 'is':
      return { kind, value: keys.is as boolean | string };
  }
}

function quoted(words: readonly string[]): string {
  return words.map((word) => `\`${word}\``).join(', ');
}
