/** One parametric sentence of NMEA 0183 (IEC 61162-1, section 7), its checksum proven. */
export interface Sentence {
  /** Who speaks: `GP`, `II`, `WI`, … Nothing here depends on it. */
  readonly talker: string;
  /** What is said: `RMC`, `MWV`, … */
  readonly formatter: string;
  /** The fields after the address, as they stand; '' where empty. */
  readonly fields: readonly string[];
}

/** Why a line is not a sentence that can be used. */
export type Rejection =
  /** It is nothing like a sentence: noise, a torn line, a field that is too long. */
  | 'malformed'
  /** It looks like one, and its checksum is wrong or missing. */
  | 'checksum'
  /** It is good, and not for us: proprietary, an encapsulated AIS message. */
  | 'other';

/**
 * Longest line that is looked at, in bytes. The standard allows 82 with `$` and CR LF; many a talker writes more, and a
 * checksum proves such a line as well as any.
 */
export const SENTENCE_BYTES_MAX = 256;

const FORM = /^([$!])([\x20-\x29\x2b-\x7e]*)\*([0-9A-Fa-f]{2})\s*$/;
const ADDRESS = /^([A-Z][A-Z0-9])([A-Z]{3})$/;

/**
 * Reads a line. What stands before the last `$` or `!` is the rest of a torn line and is left out: both characters are
 * reserved, so they begin a sentence wherever they stand.
 */
export function parseSentence(line: string): Sentence | Rejection {
  if (line.length > SENTENCE_BYTES_MAX) return 'malformed';
  const begin = Math.max(line.lastIndexOf('$'), line.lastIndexOf('!'));
  if (begin === -1) return 'malformed';
  const match = FORM.exec(line.slice(begin));
  if (match === null) return line.includes('*', begin) ? 'malformed' : 'checksum';
  const [, start, body = '', sum = ''] = match;
  if (checksum(body) !== Number.parseInt(sum, 16)) return 'checksum';
  const [head = '', ...fields] = body.split(',');
  const address = ADDRESS.exec(head);
  if (start === '!' || head.startsWith('P') || address === null) return 'other';
  const [, talker = '', formatter = ''] = address;
  return { talker, formatter, fields };
}

/** Exclusive or of all characters between `$` and `*`, both left out. */
export function checksum(body: string): number {
  let sum = 0;
  for (let index = 0; index < body.length; index += 1) sum ^= body.charCodeAt(index);
  return sum & 0xff;
}
