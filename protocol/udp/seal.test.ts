import { createCipheriv, createHmac, hkdfSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../runtime/random.ts';
import { DATAGRAM_BYTES_MAX, type DatagramHeader, peekDatagram, plainBytesMax } from './datagram.ts';
import { seal, sealKey, unseal } from './seal.ts';

const random = new SeededRandom(3);
const SHARED = random.bytes(32);
const SALT = random.bytes(16);
const FOR_SALT = random.bytes(16);
const UP: DatagramHeader = { direction: 'up', gateway: 'plaka', salt: SALT, counter: 7 };
const DOWN: DatagramHeader = { ...UP, direction: 'down' };
const UP_KEY = sealKey(SHARED, UP);
const DOWN_KEY = sealKey(SHARED, DOWN);

function hex(bytes: Uint8Array | ArrayBuffer): string {
  return Buffer.from(bytes as Uint8Array).toString('hex');
}

function bytes(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
}

describe('the primitives under the seal', () => {
  it('are the AEAD of RFC 8439, by its section 2.8.2', () => {
    const key = Buffer.from(Array.from({ length: 32 }, (_, index) => 0x80 + index));
    const cipher = createCipheriv('chacha20-poly1305', key, bytes('07000000 4041424344454647'), { authTagLength: 16 });
    const plain = Buffer.from(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
    );
    cipher.setAAD(bytes('50515253c0c1c2c3c4c5c6c7'), { plaintextLength: plain.length });
    const sealed = cipher.update(plain);
    cipher.final();
    expect(hex(sealed)).toBe(
      hex(
        bytes(`d31a8d34648e60db7b86afbc53ef7ec2 a4aded51296e08fea9e2b5a736ee62d6 3dbea45e8ca9671282fafb69da92728b
          1a71de0a9e060b2905d6a5b67ecd3b36 92ddbd7f2d778b8c9803aee328091b58 fab324e4fad675945585808b4831d7bc
          3ff4def08e4b7a9de576d26586cec64b 6116`),
      ),
    );
    expect(hex(cipher.getAuthTag())).toBe('1ae10b594f09e26a7e902ecbd0600691');
  });

  it('are the HKDF of RFC 5869, by its appendix A.1', () => {
    const okm = hkdfSync(
      'sha256',
      Buffer.alloc(22, 0x0b),
      bytes('000102030405060708090a0b0c'),
      bytes('f0f1f2f3f4f5f6f7f8f9'),
      42,
    );
    expect(hex(okm)).toBe(
      hex(bytes('3cb25f25faacd57a90434f64d0362f2a 2d2d0a90cf1a5a4c5db02d56ecc4c5bf 34007208d5b887185865')),
    );
  });
});

describe('the seal', () => {
  it('is what the document says, put together by hand', () => {
    const extracted = createHmac('sha256', SALT).update(SHARED).digest();
    const info = Buffer.concat([Buffer.from('mooring1'), Buffer.from([1]), Buffer.from('plaka')]);
    const key = createHmac('sha256', extracted)
      .update(info)
      .update(Buffer.from([1]))
      .digest();
    expect(hex(DOWN_KEY.export())).toBe(hex(key));

    const datagram = seal(DOWN_KEY, DOWN, Buffer.from('frame'), FOR_SALT);
    const header = datagram.subarray(0, -5 - 16);
    const cipher = createCipheriv('chacha20-poly1305', key, bytes('00000000 0000000000000007'), { authTagLength: 16 });
    cipher.setAAD(Buffer.concat([header, FOR_SALT]), { plaintextLength: 5 });
    expect(hex(datagram)).toBe(
      hex(Buffer.concat([header, cipher.update('frame'), cipher.final(), cipher.getAuthTag()])),
    );
  });

  it('opens what was sealed, of every length that fits a datagram', () => {
    const plain = fc.uint8Array({ minLength: 1, maxLength: plainBytesMax('plaka') });
    fc.assert(
      fc.property(plain, fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (frame, counter) => {
        const datagram = seal(UP_KEY, { ...UP, counter }, frame);
        const header = peekDatagram(datagram);
        expect(datagram.length).toBeLessThanOrEqual(DATAGRAM_BYTES_MAX);
        expect(header).toMatchObject({ direction: 'up', gateway: 'plaka', counter });
        expect(hex((header as DatagramHeader).salt)).toBe(hex(SALT));
        expect(hex(unseal(UP_KEY, header as DatagramHeader, datagram) as Uint8Array)).toBe(hex(frame));
      }),
    );
  });

  it('opens nothing of which any bit was turned over', () => {
    const datagram = seal(UP_KEY, UP, Buffer.from('a frame'));
    for (let bit = 0; bit < datagram.length * 8; bit += 1) {
      const forged = Uint8Array.from(datagram);
      forged[bit >>> 3] = (forged[bit >>> 3] as number) ^ (1 << (bit & 7));
      const header = peekDatagram(forged);
      if (header?.direction === 'up') expect(unseal(sealKey(SHARED, header), header, forged)).toBeUndefined();
    }
  });

  it('opens under no other direction, gateway, salt or receiver', () => {
    const datagram = seal(DOWN_KEY, DOWN, Buffer.from('frame'), FOR_SALT);
    expect(unseal(DOWN_KEY, DOWN, datagram, FOR_SALT)).toBeDefined();
    expect(unseal(DOWN_KEY, DOWN, datagram, SALT)).toBeUndefined();
    expect(unseal(UP_KEY, DOWN, datagram, FOR_SALT)).toBeUndefined();
    expect(unseal(sealKey(SHARED, { ...DOWN, gateway: 'palma' }), DOWN, datagram, FOR_SALT)).toBeUndefined();
    expect(unseal(sealKey(SHARED, { ...DOWN, salt: FOR_SALT }), DOWN, datagram, FOR_SALT)).toBeUndefined();
  });
});

describe('the header', () => {
  it('is none where magic, version, direction, name, counter or length is not of this protocol', () => {
    const good = Uint8Array.from(seal(UP_KEY, UP, Buffer.from('frame')));
    const changed = (at: number, ...to: number[]): Uint8Array => {
      const bad = good.slice();
      bad.set(to, at);
      return bad;
    };
    const counterAt = 5 + 5 + 16;
    const bad = [
      changed(0, 0x4e),
      changed(1, 0x42),
      changed(2, 2),
      changed(3, 2),
      changed(4, 0),
      changed(4, 64),
      changed(4, 255),
      changed(5, 0x41),
      changed(counterAt, 0, 0, 0, 0, 0, 0, 0, 0),
      changed(counterAt, 0, 0x20),
      good.subarray(0, -5),
      new Uint8Array(0),
      Buffer.concat([good, Buffer.alloc(DATAGRAM_BYTES_MAX)]),
    ];
    for (const datagram of bad) expect(peekDatagram(datagram)).toBeUndefined();
    expect(peekDatagram(good)).toBeDefined();
  });
});
