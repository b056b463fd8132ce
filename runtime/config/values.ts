import { z } from 'zod';

const DURATION = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/;
const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZE = /^(\d{1,9}(?:\.\d{1,3})?)(B|KiB|MiB|GiB|TiB)$/;
const SIZE_UNITS: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/** What to do about a wrong form. A value beyond its bounds has the right one. */
export const FORM_HINTS = {
  duration: 'Write a number and its unit: 250ms, 10s, 5m or 1h.',
  size: 'Write a number and its unit: 64KiB, 20MiB or 2GiB.',
} as const;

/** `250ms`, `10s`, `5m`, `1h`, `1d` → whole milliseconds; undefined where the text is none of these. */
export function parseDurationMs(text: string): number | undefined {
  return parseUnits(text, DURATION, DURATION_UNITS);
}

/** `512B`, `64KiB`, `2GiB` → whole bytes; undefined where the text is none of these. */
export function parseSizeBytes(text: string): number | undefined {
  return parseUnits(text, SIZE, SIZE_UNITS);
}

function parseUnits(text: string, form: RegExp, units: Readonly<Record<string, number>>): number | undefined {
  const match = form.exec(text);
  return match === null ? undefined : Math.round(Number(match[1]) * (units[match[2] as string] as number));
}

/** A duration with its unit in the file, milliseconds in the program. */
export function duration({ min, max }: { readonly min?: string; readonly max?: string } = {}) {
  const minMs = min === undefined ? 0 : (parseDurationMs(min) as number);
  const maxMs = max === undefined ? Number.MAX_SAFE_INTEGER : (parseDurationMs(max) as number);
  return z
    .string({ error: wrong('is not a duration') })
    .regex(DURATION, { error: 'is not a duration', abort: true })
    .refine((text) => (parseDurationMs(text) ?? 0) >= minMs, { error: `is shorter than ${min}` })
    .refine((text) => (parseDurationMs(text) ?? 0) <= maxMs, { error: `is longer than ${max}` })
    .transform((text) => parseDurationMs(text) as number)
    .meta({
      hint: FORM_HINTS.duration,
      kind: 'duration',
      bounds: boundsText(min, max),
    });
}

function boundsText(min: string | undefined, max: string | undefined): string {
  if (min === undefined) return max === undefined ? '' : `at most ${max}`;
  return max === undefined ? `at least ${min}` : `${min} to ${max}`;
}

/** A size with its unit in the file, bytes in the program. */
export function size({ min, max }: { readonly min?: string; readonly max?: string } = {}) {
  const minBytes = min === undefined ? 0 : (parseSizeBytes(min) as number);
  const maxBytes = max === undefined ? Number.MAX_SAFE_INTEGER : (parseSizeBytes(max) as number);
  return z
    .string({ error: wrong('is not a size') })
    .regex(SIZE, { error: 'is not a size', abort: true })
    .refine((text) => (parseSizeBytes(text) ?? 0) >= minBytes, { error: `is less than ${min}` })
    .refine((text) => (parseSizeBytes(text) ?? 0) <= maxBytes, { error: `is more than ${max}` })
    .transform((text) => parseSizeBytes(text) as number)
    .meta({ hint: FORM_HINTS.size, kind: 'size', bounds: boundsText(min, max) });
}

const DATE = /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?Z)?$/;

/** `2026-01-01`, the first moment of that day, or `2026-01-01T12:30:00Z` → UTC milliseconds; undefined where the text is neither. */
export function parseDateMs(text: string): number | undefined {
  const day = DATE.exec(text)?.[1];
  const dateMs = day === undefined ? Number.NaN : Date.parse(text);
  // A day that its month does not have becomes one of the next.
  return Number.isNaN(dateMs) || new Date(dateMs).toISOString().slice(0, 10) !== day ? undefined : dateMs;
}

/** A day or a moment, UTC, in the file; milliseconds since 1970 in the program. */
export function utcDate() {
  return z
    .string({ error: wrong('is not a date') })
    .regex(DATE, { error: 'is not a date', abort: true })
    .refine((text) => parseDateMs(text) !== undefined, { error: 'is not a date' })
    .transform((text) => parseDateMs(text) as number)
    .meta({ hint: 'Write a day, 2026-01-31, or a moment, 2026-01-31T12:30:00Z; both are UTC.', kind: 'date' });
}

/** A file or folder; the reader makes it absolute, relative to the configuration file. */
export function filePath() {
  return z
    .string()
    .min(1)
    .refine((text) => !CONTROL.test(text) && text.length <= 4096, { error: 'is not the name of a file', abort: true })
    .meta({ hint: 'Name a file; secrets stand in files of their own, never here.', path: true, kind: 'path' });
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: a pasted key has line ends, a path has not
const CONTROL = /[\u0000-\u001f]/;

/** Text of one form, with the words for what is wrong with any other. */
export function pattern(form: RegExp, what: string, hint: string) {
  return z
    .string()
    .regex(form, { error: `is not ${what}` })
    .meta({ hint });
}

/** One of some words. Those in `later` are taken for the future: they are refused as such. */
export function choice<const Word extends string>(words: readonly Word[], later: readonly string[] = []) {
  return z
    .enum(words as unknown as readonly [Word, ...Word[]], {
      error: ({ input }) =>
        later.includes(input as string) ? `\`${String(input)}\` is ${NOT_IN_THIS_VERSION}` : undefined,
    })
    .meta({ laterWords: later });
}

export const NOT_IN_THIS_VERSION = 'not in this version';

/** A key whose name is taken, and whose feature is not built: it is refused, never read and ignored. */
export function later() {
  return z.never({ error: NOT_IN_THIS_VERSION }).optional().meta({ later: true });
}

/** Some keys that are `later()`. */
export function laterKeys<const Key extends string>(...keys: readonly Key[]): Record<Key, ReturnType<typeof later>> {
  return Object.fromEntries(keys.map((key) => [key, later()])) as Record<Key, ReturnType<typeof later>>;
}

/** An address to listen on. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

const LISTEN = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})$/;

/** `127.0.0.1:1883`, `[::1]:1883` → host without brackets, and port. Port 0 lets the system choose. */
export function listenAddress() {
  return z
    .string({ error: wrong('is not an address to listen on') })
    .regex(LISTEN, { error: 'is not an address to listen on', abort: true })
    .refine((text) => listenOf(text).port <= 65_535, { error: 'has a port beyond 65535' })
    .transform(listenOf)
    .meta({ hint: 'Write host and port: 127.0.0.1:1883.', kind: 'address' });
}

function listenOf(text: string): ListenAddress {
  const [, host = '', port = ''] = LISTEN.exec(text) ?? [];
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/** True where nobody beyond this machine can reach the address. */
export function isLoopback({ host }: ListenAddress): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** A broker's URL, without anything that belongs into keys or files of its own. */
export function brokerUrl() {
  return z
    .string({ error: wrong('is not the URL of a broker') })
    .refine((text) => urlOf(text) !== undefined, { error: 'is not the URL of a broker', abort: true })
    .refine((text) => urlOf(text)?.password === '', { error: 'holds a password', abort: true })
    .refine((text) => urlOf(text)?.username === '', { error: 'holds a user name', abort: true })
    .refine((text) => isBare(text), { error: 'has more than scheme, host and port' })
    .meta({
      hint: 'Write mqtt://HOST:PORT or mqtts://HOST:PORT; a user goes into `user`, the name of a file with the password into `password`.',
      kind: 'url',
      pattern: '^mqtts?://[^@]+$',
    });
}

function urlOf(text: string): URL | undefined {
  const url = URL.parse(text);
  return url !== null && /^mqtts?:$/.test(url.protocol) && url.hostname !== '' ? url : undefined;
}

function isBare(text: string): boolean {
  const url = urlOf(text);
  return url !== undefined && (url.pathname === '' || url.pathname === '/') && url.search === '' && url.hash === '';
}

/** A schema's own words for a wrong type; a missing key keeps the general ones. */
function wrong(message: string): (issue: { readonly input?: unknown }) => string | undefined {
  return ({ input }) => (input === undefined ? undefined : message);
}
