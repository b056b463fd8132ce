import type { JsonValue } from '../../../protocol/record.ts';
import { anyTimeOf, digitsTimeOf, epochTimeOf, type ForeignTime, textTimeOf } from '../foreign-time.ts';
import { refuse } from '../refuse.ts';
import type { TimeZone } from '../time-zone.ts';
import { numberIn } from './value-rule.ts';

/** How a mapping may say that times are written. */
export const TIME_FORMS = ['auto', 'epoch_s', 'epoch_ms', 'iso', 'local', 'digits', 'pattern'] as const;
export type TimeForm = (typeof TIME_FORMS)[number];

export interface TimeRule {
  readonly form: TimeForm;
  /** Of `form: pattern`, and only there. */
  readonly pattern: TimePattern | undefined;
  readonly zone: TimeZone | undefined;
}

/** Forms that say no zone themselves. */
export function needsZone(form: TimeForm): boolean {
  return form === 'local' || form === 'digits' || form === 'pattern';
}

/** What a device has said as its time. `undefined` and `null`: it says none. Throws `RECORD_INVALID`. */
export function timeBy(
  { form, pattern, zone }: TimeRule,
  value: JsonValue | undefined,
  at: string,
): ForeignTime | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (form === 'auto') return anyTimeOf(value, at, zone);
  if (form === 'epoch_s' || form === 'epoch_ms') {
    const epoch = typeof value === 'string' ? numberIn(value, '.') : value;
    if (typeof epoch !== 'number') return refuse(at, 'is no number of seconds or milliseconds');
    return epochTimeOf(epoch, at, form === 'epoch_s' ? 's' : 'ms');
  }
  if (typeof value !== 'string' && typeof value !== 'number') return refuse(at, 'is no time: neither number nor text');
  if (form === 'digits') return digitsTimeOf(value, at, zone);
  const text = String(value).trim();
  if (form === 'pattern' && pattern !== undefined) return patternTimeOf(pattern, text, at, zone);
  // A text with an offset needs no zone, and `iso` takes no other.
  return textTimeOf(text, at, form === 'iso' ? undefined : zone);
}

/** A pattern of a time, understood. */
export interface TimePattern {
  readonly form: RegExp;
  /** What each group of `form` is. */
  readonly tokens: readonly string[];
}

const TOKENS: Readonly<Record<string, string>> = {
  YYYY: '(\\d{4})',
  MM: '(\\d{2})',
  M: '(\\d{1,2})',
  DD: '(\\d{2})',
  D: '(\\d{1,2})',
  HH: '(\\d{2})',
  H: '(\\d{1,2})',
  hh: '(\\d{2})',
  h: '(\\d{1,2})',
  mm: '(\\d{2})',
  m: '(\\d{1,2})',
  ss: '(\\d{2})',
  s: '(\\d{1,2})',
  S: '(\\d{1,9})',
  A: '([AaPp][Mm])',
};
/** Without these there is no instant. */
const NEEDED = ['Y', 'M', 'D', 'Hh', 'm'] as const;

/**
 * A pattern of `YYYY MM M DD D HH H hh h A mm m ss s S` (`S`: a fraction of a second, of any length), with anything that is
 * no letter between them, and letters in single quotes. Returns what is wrong with any other, as the rest of a sentence.
 */
export function timePatternOf(text: string): TimePattern | string {
  const tokens: string[] = [];
  let form = '';
  for (const [part, quoted] of text.matchAll(/'([^']*)'|([A-Za-z])\2*|[^A-Za-z']|'/g)) {
    const token = TOKENS[/^S+$/.test(part) ? 'S' : part];
    if (quoted !== undefined) {
      form += escaped(quoted);
    } else if (token !== undefined) {
      if (tokens.some((other) => other[0] === part[0])) return `has two of \`${part[0]}\``;
      tokens.push(part);
      form += token;
    } else if (/^[A-Za-z']/.test(part)) {
      return `has \`${part}\`, which stands for nothing`;
    } else {
      form += escaped(part);
    }
  }
  const has = (letter: string): boolean => tokens.some((token) => token.startsWith(letter));
  const missing = NEEDED.find((letters) => ![...letters].some(has));
  if (missing !== undefined) return `has no \`${missing[0]}\``;
  if (has('H') && has('h')) return 'has `H` and `h`';
  if (has('h') !== has('A')) return 'has `h` without `A`, or `A` without `h`';
  return { form: new RegExp(`^${form}$`), tokens };
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}

function patternTimeOf(
  { form, tokens }: TimePattern,
  text: string,
  at: string,
  zone: TimeZone | undefined,
): ForeignTime {
  const [match, ...groups] = form.exec(text) ?? [];
  if (match === undefined)
    return refuse(at, `does not have the form of the mapping: ${JSON.stringify(text.slice(0, 64))}`);
  const of = (letter: string): string | undefined => groups[tokens.findIndex((token) => token.startsWith(letter))];
  const two = (digits: string | undefined): string => (digits ?? '0').padStart(2, '0');
  const date = `${of('Y') ?? ''}-${two(of('M'))}-${two(of('D'))}`;
  const hour = of('H') ?? hourOf(Number(of('h')), of('A') ?? '', at);
  const written = `${date} ${two(hour)}:${two(of('m'))}:${two(of('s'))}${of('S') === undefined ? '' : `.${of('S')}`}`;
  const time = textTimeOf(written, at, zone);
  return { ...time, info: { ...time.info, source_time: text } };
}

function hourOf(hour: number, half: string, at: string): string {
  if (hour < 1 || hour > 12) return refuse(at, `has an hour that there is not: ${hour} ${half}`);
  return String((hour % 12) + (half.toLowerCase() === 'pm' ? 12 : 0));
}
