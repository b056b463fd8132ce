const PEM = /-----BEGIN X509 CRL-----([\sA-Za-z0-9+/=]+)-----END X509 CRL-----/g;
const SEQUENCE = 0x30;
const INTEGER = 0x02;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;

/** One value in DER (X.690 section 8.1): its type, and where its content is. */
interface Value {
  readonly tag: number;
  readonly content: Buffer;
}

/**
 * Serial numbers that the revocation lists of a PEM file name, in upper-case hex without leading zeros, as Node gives a
 * peer's. Whose lists they are and who signed them is not looked at: TLS does that, with the same file. Source: RFC 5280
 * section 5.1. Throws a `RangeError` where the file holds no such list.
 */
export function revokedSerialsIn(pem: string): ReadonlySet<string> {
  const lists = [...pem.matchAll(PEM)].map(([, text]) => Buffer.from(text as string, 'base64'));
  if (lists.length === 0) throw new RangeError('no revocation list in PEM');
  return new Set(lists.flatMap(serialsOf));
}

/** The one spelling of a serial number, whoever wrote it. */
export function serialText(hex: string): string {
  return hex.toUpperCase().replace(/^0+(?=.)/, '');
}

function serialsOf(list: Buffer): readonly string[] {
  const [certificateList] = valuesIn(list);
  const [signed] = valuesIn(contentOf(certificateList, SEQUENCE));
  const fields = valuesIn(contentOf(signed, SEQUENCE));
  // A version that need not be there, algorithm, issuer, one or two times: then the list, where it is not empty.
  const lastTime = fields.findLastIndex(({ tag }) => tag === UTC_TIME || tag === GENERALIZED_TIME);
  if (lastTime === -1) throw new RangeError('the revocation list has no time');
  const entries = fields[lastTime + 1];
  if (entries?.tag !== SEQUENCE) return [];
  return valuesIn(entries.content).map((entry) => {
    const [serial] = valuesIn(contentOf(entry, SEQUENCE));
    return serialText(contentOf(serial, INTEGER).toString('hex'));
  });
}

function contentOf(value: Value | undefined, tag: number): Buffer {
  if (value?.tag !== tag) throw new RangeError('the revocation list is damaged');
  return value.content;
}

function valuesIn(bytes: Buffer): readonly Value[] {
  const values: Value[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at] as number;
    const { length, next } = lengthAt(bytes, at + 1);
    if (next + length > bytes.length) throw new RangeError('the revocation list is cut off');
    values.push({ tag, content: bytes.subarray(next, next + length) });
    at = next + length;
  }
  return values;
}

function lengthAt(bytes: Buffer, at: number): { readonly length: number; readonly next: number } {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return { length: first, next: at + 1 };
  const count = first & 0x7f;
  if (count === 0 || count > 4 || at + count >= bytes.length) throw new RangeError('the revocation list is damaged');
  return { length: bytes.readUIntBE(at + 1, count), next: at + 1 + count };
}
