export type RegisterKind = 'holding' | 'input';

/** Function codes (MODBUS Application Protocol V1.1b3, 6.3 and 6.4). */
const FUNCTIONS: Readonly<Record<number, RegisterKind>> = { 3: 'holding', 4: 'input' };
const COUNT_MAX = 125;

/** The registers of a Modbus device: words of 16 bits, made at the moment they are read. Those that nobody set do not exist. */
export class RegisterBank {
  readonly #words: Readonly<Record<RegisterKind, Map<number, () => number>>> = { holding: new Map(), input: new Map() };
  /** Exception code that every request is answered with; undefined: none. */
  exception: number | undefined;

  /** Sets registers from `address` on; how many, `wordsOf` says at once. */
  put(kind: RegisterKind, address: number, wordsOf: () => readonly number[]): void {
    for (const index of wordsOf().keys()) this.#words[kind].set(address + index, () => wordsOf()[index] as number);
  }

  /** The answer to a request, both without unit and CRC. */
  answer(request: Buffer): Buffer {
    const code = request.readUInt8(0);
    const kind = FUNCTIONS[code];
    if (this.exception !== undefined) return Buffer.of(code | 0x80, this.exception);
    if (kind === undefined) return Buffer.of(code | 0x80, 1);
    const address = request.readUInt16BE(1);
    const count = request.readUInt16BE(3);
    if (count < 1 || count > COUNT_MAX) return Buffer.of(code | 0x80, 3);
    const answer = Buffer.alloc(2 + 2 * count);
    answer.writeUInt8(code, 0);
    answer.writeUInt8(2 * count, 1);
    for (let index = 0; index < count; index += 1) {
      const word = this.#words[kind].get(address + index);
      if (word === undefined) return Buffer.of(code | 0x80, 2);
      answer.writeUInt16BE(word(), 2 + 2 * index);
    }
    return answer;
  }
}

/** A number as a device lays it into two registers, the high word first. */
export function float32Words(value: number): number[] {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatBE(value);
  return [bytes.readUInt16BE(0), bytes.readUInt16BE(2)];
}
