import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { closed } from '../../test/nmea-listener.ts';
import { parseSentence, SENTENCE_BYTES_MAX } from './sentence.ts';

describe('a sentence', () => {
  test('is read into talker, formatter and fields, empty ones included', () => {
    expect(parseSentence('$GPGLL,4916.45,N,12311.12,W,225444,A,*1D')).toEqual({
      talker: 'GP',
      formatter: 'GLL',
      fields: ['4916.45', 'N', '12311.12', 'W', '225444', 'A', ''],
    });
  });

  test.each(['GP', 'GN', 'GL', 'II', 'WI', 'VW', 'SD', 'HC', 'HE', 'YX', 'YD', 'U1'])('may come from %s', (talker) => {
    expect(parseSentence(closed(`${talker}MTW,17.5,C`))).toEqual({ talker, formatter: 'MTW', fields: ['17.5', 'C'] });
  });

  test('may have its checksum in small letters, and spaces after it', () => {
    expect(parseSentence('$GPHDT,123.456,T*32 \r')).toMatchObject({ formatter: 'HDT' });
    expect(parseSentence('$IIVTG,225.18,T,225.18,M,5.80,N,,,D*69')).toMatchObject({ formatter: 'VTG' });
    expect(parseSentence('$WIMWV,350.0,R,16.8,N,A*1a')).toMatchObject({ formatter: 'MWV' });
  });

  test('after noise or the head of a torn one is read from its own beginning', () => {
    expect(parseSentence('\u0000ÿ7$GPGGA,1235$IIMTW,17.5,C*10')).toMatchObject({ talker: 'II', formatter: 'MTW' });
  });

  test('may be longer than the standard allows, up to the limit', () => {
    const within = closed(`IIXDR,${'C,20.0,C,TempAir,'.repeat(13)}C`);
    expect(within.length).toBeGreaterThan(82);
    expect(within.length).toBeLessThanOrEqual(SENTENCE_BYTES_MAX);
    expect(parseSentence(within)).toMatchObject({ formatter: 'XDR' });
    expect(parseSentence(closed(`IIXDR,${'C,20.0,C,TempAir,'.repeat(15)}C`))).toBe('malformed');
  });
});

describe('a line is no sentence', () => {
  test.each([
    ['with a wrong checksum', '$GPHDT,123.456,T*33', 'checksum'],
    ['with one digit of a number changed', '$GPHDT,123.457,T*32', 'checksum'],
    ['without a checksum', '$GPHDT,123.456,T', 'checksum'],
    ['cut in its fields', '$GPHDT,123.4', 'checksum'],
    ['cut in its checksum', '$GPHDT,123.456,T*3', 'malformed'],
    ['with something after its checksum', '$GPHDT,123.456,T*32A', 'malformed'],
    ['without a beginning', 'GPHDT,123.456,T*32', 'malformed'],
    ['with bytes that are no characters', '$GPHDT,123.4\u0001\u00ff6,T*32', 'malformed'],
    ['that is empty', '', 'malformed'],
  ] as const)('%s', (_, line, verdict) => {
    expect(parseSentence(line)).toBe(verdict);
  });

  test.each([
    ['proprietary', closed('PGRME,15.0,M,45.0,M,25.0,M')],
    ['an AIS message', '!AIVDM,1,1,,A,14eG;o@034o8sd<L9i:a;WF>062D,0*7D'],
    ['of an address that is too long', closed('GPGGAX,1')],
  ])('for us, though it is good, when it is %s', (_, line) => {
    expect(parseSentence(line)).toBe('other');
  });
});

test('one wrong bit anywhere in a sentence is never taken for the sentence', () => {
  const good = closed('IIMWV,338,R,13.41,N,A');
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(7), (at, bit) => {
      const flipped = good.slice(0, at) + String.fromCharCode(good.charCodeAt(at) ^ (1 << bit)) + good.slice(at + 1);
      const sentence = parseSentence(flipped);
      // Only the case of a checksum's letter may change without a difference.
      if (typeof sentence === 'object') expect(flipped.toUpperCase()).toBe(good);
    }),
  );
});
