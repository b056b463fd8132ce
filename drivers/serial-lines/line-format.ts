export const FORMATS = ['csv', 'json', 'key-value'] as const;
export type LineFormat = (typeof FORMATS)[number];

/** A number; `nothing`, as the device says that it has none; or `text`, which is neither. */
export type Field = number | 'nothing' | 'text';
/** What a line says, by the keys of its fields or the numbers of its columns (from 1). */
export type Fields = ReadonlyMap<string, Field>;

/** As people and printf write them; not `nan`, `inf`, `0x10`, nor nothing. */
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
/** Longer than any number that a device writes. */
const NUMBER_CHARACTERS_MAX = 64;
/** What printf and sensor libraries write where they have no number. */
const NOTHING = /^[+-]?(?:|nan|inf|infinity|ovf|null|none|n\/a|-+)$/i;
const TRUTHS: Readonly<Record<string, number>> = { true: 1, false: 0, on: 1, off: 0 };
const PAIR = /^([^\s=:]+)\s*[=:]\s*([^\s=:]*)$/;
const CHECKSUM = /^(.*)\*([0-9A-Fa-f]{2})$/;

/** The line before its `*hh`, the exclusive or of all characters before it; undefined where that is missing or wrong. */
export function withoutChecksum(line: string): string | undefined {
  const [, body, sum = ''] = CHECKSUM.exec(line) ?? [];
  if (body === undefined) return undefined;
  let expected = 0;
  for (let at = 0; at < body.length; at += 1) expected ^= body.charCodeAt(at);
  return expected === Number.parseInt(sum, 16) ? body : undefined;
}

/** Undefined: the line is none of its kind. */
export function fieldsOf(line: string, format: LineFormat, separator: string): Fields | undefined {
  switch (format) {
    case 'csv':
      return new Map(line.split(separator).map((text, index) => [String(index + 1), fieldOf(text)]));
    case 'json':
      return jsonFields(line);
    case 'key-value':
      return pairFields(line);
  }
}

/** Numbers anywhere in an object; below its top their keys are joined by points: `air.temperature`. */
function jsonFields(line: string): Fields | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const fields = new Map<string, Field>();
  const take = (object: object, prefix: string): void => {
    for (const [key, each] of Object.entries(object)) {
      if (typeof each === 'object' && each !== null) take(each as object, `${prefix}${key}.`);
      else fields.set(`${prefix}${key}`, fieldOf(String(each)));
    }
  };
  take(value, '');
  return fields;
}

/** `t=21.4 h=40`, `t: 21.4, h: 40`, `t=21.4;h=40`: one part that is no pair, and the line is none. */
function pairFields(line: string): Fields | undefined {
  const fields = new Map<string, Field>();
  const parts = line
    // Room about a sign belongs to it, unless a key comes next: then there is no value.
    .replaceAll(/\s*([=:])(?:\s+(?![^\s=:]+\s*[=:]))?/g, '$1')
    .split(/[\s,;&]+/)
    .filter((part) => part !== '');
  for (const part of parts) {
    const [, key, text] = PAIR.exec(part) ?? [];
    if (key === undefined || text === undefined) return undefined;
    fields.set(key, fieldOf(text));
  }
  return parts.length === 0 ? undefined : fields;
}

function fieldOf(text: string): Field {
  const trimmed = text.trim();
  if (trimmed.length <= NUMBER_CHARACTERS_MAX && NUMBER.test(trimmed)) return Number(trimmed);
  return TRUTHS[trimmed.toLowerCase()] ?? (NOTHING.test(trimmed) ? 'nothing' : 'text');
}
