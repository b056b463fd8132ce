/** Holds the UDP part of `docs/protocol.md` to the code. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DATAGRAM_BYTES_MAX, type DatagramHeader, headerBytes, peekDatagram } from './datagram.ts';
import { decodeFrame, encodeFrame, HANDSHAKE_BYTES, messageBytesMax, NUMBERS_SPREAD_MAX } from './frames.ts';
import { REPLAY_WINDOW } from './replay-window.ts';
import { seal, sealKey, unseal } from './seal.ts';

const DOCUMENT = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');

function block(label: string): string {
  const [, text] = DOCUMENT.split(`\n\`\`\`${label}\n`);
  assert(text !== undefined, `there is a block called ${label}`);
  return text.split('\n```')[0] as string;
}

function bytesOf(label: string): Buffer {
  const hex = block(label)
    .split('\n')
    .map((line) => /^((?:[0-9a-f]{2} ?)+)/.exec(line)?.[1]);
  return Buffer.from(hex.join('').replaceAll(' ', ''), 'hex');
}

const given = JSON.parse(block('datagram-keys')) as Record<'shared' | 'gateway' | 'centre' | 'up' | 'down', string>;
const shared = Buffer.from(given.shared, 'hex');
const salts = { up: Buffer.from(given.gateway, 'hex'), down: Buffer.from(given.centre, 'hex') };
const batch = bytesOf('hex');
const ack = bytesOf('ack-hex');

/** What is sealed in the example of this direction. */
const frames = {
  up: encodeFrame({ kind: 'carriage', message: { number: 1, back: 0, bytes: batch } }),
  down: encodeFrame({
    kind: 'carriage',
    receipts: { upTo: 1, bitmap: new Uint8Array(0) },
    message: { number: 2, back: 0, bytes: ack },
  }),
};
const counters = { up: 3, down: 3 };

describe.each(['up', 'down'] as const)('the example of a datagram %s', (direction) => {
  const header: DatagramHeader = { direction, gateway: 'plaka', salt: salts[direction], counter: counters[direction] };
  const key = sealKey(shared, header);
  const forSalt = direction === 'down' ? salts.up : undefined;

  it('follows from its shared key and salt', () => {
    expect(key.export().toString('hex')).toBe(given[direction]);
  });

  it('is what is sealed, and what is opened', () => {
    const datagram = bytesOf(`datagram-${direction}-hex`);
    expect(seal(key, header, frames[direction], forSalt)).toEqual(datagram);
    const { salt, ...rest } = peekDatagram(datagram) as DatagramHeader;
    expect({ ...rest, salt: Buffer.from(salt) }).toEqual(header);
    const plain = unseal(key, header, datagram, forSalt);
    expect(plain).toEqual(bytesOf(`frame-${direction}-hex`));
    expect(decodeFrame(plain as Uint8Array, direction)?.kind).toBe('carriage');
    expect(DOCUMENT).toContain(`The datagram, ${datagram.length} bytes:`);
  });
});

describe('the UDP part of docs/protocol.md', () => {
  it('has every bound', () => {
    const [, section] = DOCUMENT.split('\n## Datagrams\n');
    const text = (section ?? '').replaceAll(/\s+/g, ' ');
    expect(text).toContain(`at most ${DATAGRAM_BYTES_MAX.toLocaleString('en')} bytes`);
    expect(text).toContain(`all of ${HANDSHAKE_BYTES} bytes`);
    expect(text).toContain(`window of ${REPLAY_WINDOW.toLocaleString('en')}`);
    expect(text).toContain(`below ${NUMBERS_SPREAD_MAX.toLocaleString('en')}`);
    expect(text).toContain(`${messageBytesMax('')} − n`);
    expect(headerBytes('')).toBe(29);
  });
});
