export const TYPES = ['int16', 'uint16', 'int32', 'uint32', 'float32'] as const;
export type RegisterType = (typeof TYPES)[number];
/** How the bytes of a number lie in its registers; `abcd` is the highest first, as the standard has it for one register. */
export const ORDERS = ['abcd', 'badc', 'cdab', 'dcba'] as const;
export type ByteOrder = (typeof ORDERS)[number];
export type RegisterKind = 'holding' | 'input';

/** Registers that one request reads (MODBUS Application Protocol V1.1b3, 6.3). */
const BLOCK_MAX = 125;

/** A number in the registers of a device. */
export interface Field {
  readonly kind: RegisterKind;
  /** Of its first register, counted from 0. */
  readonly register: number;
  readonly type: RegisterType;
  readonly order: ByteOrder;
}

/** Registers in a row, and the numbers among them. */
export interface Block<F extends Field> {
  readonly kind: RegisterKind;
  readonly register: number;
  readonly count: number;
  readonly fields: readonly F[];
}

export function widthOf(type: RegisterType): 1 | 2 {
  return type === 'int16' || type === 'uint16' ? 1 : 2;
}

/**
 * As few requests as there can be. Only registers that are asked for are read: many a device refuses a request that goes
 * over one which it does not have. A number is never cut in two, as its halves would be of two moments.
 */
export function blocksOf<F extends Field>(fields: readonly F[]): Block<F>[] {
  const blocks: Block<F>[] = [];
  for (const field of fields.toSorted((a, b) => a.kind.localeCompare(b.kind) || a.register - b.register)) {
    const last = blocks.at(-1);
    const end = field.register + widthOf(field.type);
    const isNeighbour =
      last !== undefined &&
      last.kind === field.kind &&
      field.register <= last.register + last.count &&
      end - last.register <= BLOCK_MAX;
    if (isNeighbour) {
      const count = Math.max(last.count, end - last.register);
      blocks[blocks.length - 1] = { ...last, count, fields: [...last.fields, field] };
    } else {
      blocks.push({ kind: field.kind, register: field.register, count: end - field.register, fields: [field] });
    }
  }
  return blocks;
}

/** A number from its registers' words. May be no number at all (float32). */
export function decode(words: readonly number[], { type, order }: Pick<Field, 'type' | 'order'>): number {
  const bytes = Buffer.alloc(2 * words.length);
  const ordered = order === 'cdab' || order === 'dcba' ? words.toReversed() : words;
  for (const [index, word] of ordered.entries()) bytes.writeUInt16BE(word, 2 * index);
  if (order === 'badc' || order === 'dcba') bytes.swap16();
  switch (type) {
    case 'int16':
      return bytes.readInt16BE();
    case 'uint16':
      return bytes.readUInt16BE();
    case 'int32':
      return bytes.readInt32BE();
    case 'uint32':
      return bytes.readUInt32BE();
    case 'float32':
      return bytes.readFloatBE();
  }
}
