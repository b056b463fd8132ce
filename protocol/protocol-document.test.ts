/** Holds `docs/protocol.md` to the code, in both directions. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Ack, REJECT_CODES } from './ack.ts';
import { decodeAck, encodeAck } from './ack-codec.ts';
import type { Batch } from './batch.ts';
import { BATCH_VERSION, decodeBatch, encodeBatch } from './batch-codec.ts';
import { WELL_KNOWN_TEXTS } from './codec/well-known-texts.ts';
import { flatRecordOf } from './flat-record.ts';
import { runIdOf } from './ids.ts';
import { BOUNDS, CLOCK_STATES, RECORD_KINDS, RESERVED_KEYS, type SequencedRecord } from './record.ts';

const DOCUMENT = readFileSync(new URL('../docs/protocol.md', import.meta.url), 'utf8');
const GATEWAY = 'plaka';

/** The lines of the fenced block with this label. */
function block(label: string): string[] {
  const [, text] = DOCUMENT.split(`\n\`\`\`${label}\n`);
  assert(text !== undefined, `there is a block called ${label}`);
  return (text.split('\n```')[0] as string).split('\n');
}

function bytesOf(label: string): Uint8Array {
  const hex = block(label).map((line) => /^((?:[0-9a-f]{2} ?)+)/.exec(line)?.[1]);
  return new Uint8Array(Buffer.from(hex.join('').replaceAll(' ', ''), 'hex'));
}

function bitsOf(label: string): string {
  return block(label)
    .map((line) => line.split(' ')[0])
    .join('');
}

function bitsIn(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
}

const text = JSON.parse(block('batch').join('\n')) as {
  salt: string;
  batch: number;
  token: string;
  records: SequencedRecord[];
};
const batch: Omit<Batch, 'version'> = {
  ...text,
  salt: new Uint8Array(Buffer.from(text.salt, 'hex')),
  token: new Uint8Array(Buffer.from(text.token, 'hex')),
};
const { records, ...name } = batch;
const ack: Ack = { ...name, stored: [[41, 43]], rejected: [{ ranges: [[45, 45]], code: 'metric_type' }] };

describe('the worked example of docs/protocol.md', () => {
  it('is what is written for its records, and what is read from its bytes', () => {
    const bytes = bytesOf('hex');
    assert.deepStrictEqual(encodeBatch(batch), bytes);
    assert.deepStrictEqual(decodeBatch(bytes), { version: BATCH_VERSION, ...batch });
    expect(DOCUMENT).toContain(`The batch, ${bytes.length} bytes:`);
  });

  it('explains every bit of its body', () => {
    expect(bitsOf('bits')).toBe(bitsIn(bytesOf('hex').subarray(38, -4)));
  });

  it('is answered as it says, in both directions', () => {
    const bytes = bytesOf('ack-hex');
    assert.deepStrictEqual(encodeAck(ack), bytes);
    assert.deepStrictEqual(decodeAck(bytes), ack);
    expect(DOCUMENT).toContain(`because of a type. ${bytes.length} bytes:`);
    const parts = bitsIn(bytes.subarray(31, -4));
    expect(bitsOf('ack-bits').padEnd(parts.length, '0')).toBe(parts);
  });

  it('is the flat JSON that it shows', () => {
    const run = runIdOf(GATEWAY, batch.salt);
    const lines = records.map((record) => JSON.stringify(flatRecordOf({ gateway: GATEWAY, run, record })));
    expect(block('json-lines')).toEqual(lines);
    expect(DOCUMENT).toContain(`the run is \`${run}\``);
  });
});

describe('docs/protocol.md', () => {
  it('numbers known texts, kinds, clocks and codes as the code does', () => {
    expect(block('texts').join(' ').split(' ')).toEqual(WELL_KNOWN_TEXTS);
    expect(new Set(WELL_KNOWN_TEXTS).size).toBe(WELL_KNOWN_TEXTS.length);
    for (const list of [RECORD_KINDS, CLOCK_STATES, REJECT_CODES]) {
      expect(DOCUMENT).toContain(list.map((each, number) => `${number} \`${each}\``).join(', '));
    }
  });

  it('names every key that no metric may have', () => {
    expect(DOCUMENT.replaceAll('\n', ' ')).toContain(`none of \`${[...RESERVED_KEYS].join(' ')}\``);
  });

  it('has every bound', () => {
    const [, section] = DOCUMENT.split('\n## Bounds\n');
    assert(section !== undefined);
    const numbers = [...section.matchAll(/\d[\d,]*/g)].map(([number]) => Number(number.replaceAll(',', '')));
    const { timestampMsMin, timestampMsMax, sequenceMax, heldSecondsMax, ...stated } = BOUNDS;
    expect(numbers).toEqual(expect.arrayContaining(Object.values(stated)));
    expect(DOCUMENT).toContain(`seconds ≤ ${heldSecondsMax}`);
    expect([timestampMsMin, timestampMsMax]).toEqual([Date.UTC(1970), Date.UTC(10_000, 0) - 1]);
    expect(sequenceMax).toBe(2 ** 48 - 1);
  });
});
