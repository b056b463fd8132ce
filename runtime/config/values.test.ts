import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  brokerUrl,
  choice,
  duration,
  filePath,
  isLoopback,
  listenAddress,
  parseDateMs,
  parseDurationMs,
  parseSizeBytes,
  size,
  utcDate,
} from './values.ts';

const messagesOf = (
  schema: { safeParse(value: unknown): { error?: { issues: { message: string }[] } } },
  value: unknown,
) => schema.safeParse(value).error?.issues.map(({ message }) => message);

test('durations become milliseconds and sizes bytes', () => {
  expect(['250ms', '10s', '5m', '1h', '90d', '1.5s', '0s'].map(parseDurationMs)).toEqual([
    250, 10_000, 300_000, 3_600_000, 7_776_000_000, 1500, 0,
  ]);
  expect(['512B', '64KiB', '20MiB', '2GiB', '1TiB', '0.5KiB'].map(parseSizeBytes)).toEqual([
    512,
    65_536,
    20_971_520,
    2_147_483_648,
    2 ** 40,
    512,
  ]);
});

test('days and moments become UTC milliseconds', () => {
  expect(['2026-01-01', '2024-02-29', '2026-01-01T12:30Z', '2026-01-01T12:30:15.5Z'].map(parseDateMs)).toEqual([
    Date.UTC(2026, 0, 1),
    Date.UTC(2024, 1, 29),
    Date.UTC(2026, 0, 1, 12, 30),
    Date.UTC(2026, 0, 1, 12, 30, 15, 500),
  ]);
});

test.each(['', '2026', '2026-1-1', '2026-02-29', '2026-13-01', '2026-01-01T12:30', '2026-01-01T24:30:00Z', '1.1.2026'])(
  '%j is no date',
  (text) => {
    expect(parseDateMs(text)).toBeUndefined();
    expect(messagesOf(utcDate(), text)).toEqual(['is not a date']);
  },
);

test.each(['', '10', 's', '10 s', '10S', '-1s', '1e3s', '10s ', '10sec', '1.s', '٣s', '9999999999s'])(
  '%j is no duration',
  (text) => {
    expect(parseDurationMs(text)).toBeUndefined();
    expect(messagesOf(duration(), text)).toEqual(['is not a duration']);
  },
);

test.each(['', '10', '2GB', '2gib', '2 GiB', '-1KiB', '10b'])('%j is no size', (text) => {
  expect(parseSizeBytes(text)).toBeUndefined();
  expect(messagesOf(size(), text)).toEqual(['is not a size']);
});

test('bounds are told in the words of the file', () => {
  expect(messagesOf(duration({ min: '10ms', max: '1m' }), '9ms')).toEqual(['is shorter than 10ms']);
  expect(messagesOf(duration({ min: '10ms', max: '1m' }), '61s')).toEqual(['is longer than 1m']);
  expect(duration({ min: '10ms', max: '1m' }).parse('60s')).toBe(60_000);
  expect(messagesOf(size({ min: '1KiB', max: '1MiB' }), '1023B')).toEqual(['is less than 1KiB']);
  expect(messagesOf(size({ min: '1KiB', max: '1MiB' }), '1025KiB')).toEqual(['is more than 1MiB']);
});

test('an address to listen on has a host and a port, IPv6 in brackets', () => {
  expect(listenAddress().parse('127.0.0.1:1883')).toEqual({ host: '127.0.0.1', port: 1883 });
  expect(listenAddress().parse('[::1]:0')).toEqual({ host: '::1', port: 0 });
  for (const text of ['1883', ':1883', 'localhost', '::1:1883', '127.0.0.1:', 'a b:1', '127.0.0.1:70000']) {
    expect(listenAddress().safeParse(text).success, text).toBe(false);
  }
});

test('loopback is what nobody else can reach', () => {
  const loopback = ['127.0.0.1:1', '127.9.9.9:1', 'localhost:1', '[::1]:1'];
  const open = ['0.0.0.0:1', '[::]:1', '192.168.1.5:1', 'localhost.example:1', '127.0.0.1.example:1', '128.0.0.1:1'];
  expect(loopback.map((text) => isLoopback(listenAddress().parse(text)))).toEqual(loopback.map(() => true));
  expect(open.map((text) => isLoopback(listenAddress().parse(text)))).toEqual(open.map(() => false));
});

test('a broker has scheme, host and port; what is secret has a file', () => {
  for (const text of ['mqtt://127.0.0.1:1883', 'mqtts://centre.example', 'mqtt://[::1]:1883/']) {
    expect(brokerUrl().parse(text)).toBe(text);
  }
  expect(messagesOf(brokerUrl(), 'mqtt://u:hunter2@host')).toEqual(['holds a password']);
  expect(messagesOf(brokerUrl(), 'mqtt://:hunter2@host')).toEqual(['holds a password']);
  expect(messagesOf(brokerUrl(), 'mqtt://u@host')).toEqual(['holds a user name']);
  expect(messagesOf(brokerUrl(), 'mqtt://host/topic?x=1')).toEqual(['has more than scheme, host and port']);
  for (const text of ['http://host', 'host:1883', 'mqtt://', 'mqtt', '']) {
    expect(messagesOf(brokerUrl(), text)).toEqual(['is not the URL of a broker']);
  }
});

test('no message ever shows the text that is refused', () => {
  const secret = fc.string({ minLength: 8, maxLength: 40 }).map((text) => `S3CRET${text}`);
  fc.assert(
    fc.property(secret, (text) => {
      for (const value of [text, `mqtt://u:${encodeURIComponent(text)}@host`, `-----BEGIN\n${text}`]) {
        for (const schema of [brokerUrl(), filePath(), listenAddress(), duration(), size()]) {
          expect((messagesOf(schema, value) ?? []).join()).not.toContain('S3CRET');
        }
      }
    }),
  );
});

test('a pasted key is not the name of a file', () => {
  expect(messagesOf(filePath(), '-----BEGIN PRIVATE KEY-----\nabc\n')).toEqual(['is not the name of a file']);
  expect(filePath().parse('keys/plaka.key')).toBe('keys/plaka.key');
});

test('a word for the future is refused as such, any other as unknown', () => {
  const schema = choice(['ndjson'], ['parquet']);
  expect(schema.parse('ndjson')).toBe('ndjson');
  expect(messagesOf(schema, 'parquet')).toEqual(['`parquet` is not in this version']);
  expect(messagesOf(schema, 'csv')?.[0]).not.toContain('version');
});
