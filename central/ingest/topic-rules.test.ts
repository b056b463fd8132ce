import { expect, test } from 'vitest';
import { type Peer, publishFault, subscribeFault } from './topic-rules.ts';

const publish = (peer: Peer, topic: string, more: { retain?: boolean; payloadBytes?: number } = {}) =>
  publishFault(peer, { topic, retain: false, payloadBytes: 100, ...more });

test.each([
  ['plaka', 'mooring/1/plaka/batch', undefined],
  ['plaka', 'mooring/1/plaka/state', undefined],
  ['plaka', 'mooring/1/plaka/ack', 'only the centre writes acks'],
  ['plaka', 'mooring/1/ikaros/batch', 'the topic is another gateway’s'],
  ['plaka', 'mooring/1/plaka2/batch', 'the topic is another gateway’s'],
  ['plaka', 'mooring/1/Plaka/batch', 'the topic is none of ours'],
  ['plaka', 'mooring/1/plaka/command', 'the topic is none of ours'],
  ['plaka', 'mooring/2/plaka/batch', 'the topic is none of ours'],
  ['plaka', 'mooring/1/plaka/batch/', 'the topic is none of ours'],
  ['plaka', '$SYS/heartbeat', 'the topic is none of ours'],
  [undefined, 'mooring/1/anybody/batch', undefined],
  [undefined, 'mooring/1/anybody/state', undefined],
  [undefined, 'mooring/1/anybody/ack', 'only the centre writes acks'],
  [undefined, 'mooring/1//batch', 'the topic is none of ours'],
  [undefined, 'elsewhere', 'the topic is none of ours'],
])('%s publishes to %s: %s', (peer, topic, fault) => {
  expect(publish(peer, topic)).toBe(fault);
});

test('a batch is not retained, and a state is small', () => {
  expect(publish('plaka', 'mooring/1/plaka/state', { retain: true })).toBeUndefined();
  expect(publish('plaka', 'mooring/1/plaka/batch', { retain: true })).toBe('a batch is not to be retained');
  expect(publish('plaka', 'mooring/1/plaka/batch', { payloadBytes: 65_536 })).toBeUndefined();
  expect(publish('plaka', 'mooring/1/plaka/state', { payloadBytes: 1024 })).toBeUndefined();
  expect(publish('plaka', 'mooring/1/plaka/state', { payloadBytes: 1025 })).toBe('the state is too large');
});

test.each([
  ['plaka', 'mooring/1/plaka/ack', undefined],
  ['plaka', 'mooring/1/plaka/batch', 'a gateway reads its own acks only'],
  ['plaka', 'mooring/1/plaka/#', 'a gateway reads its own acks only'],
  ['plaka', 'mooring/1/+/ack', 'a gateway reads its own acks only'],
  ['plaka', '#', 'a gateway reads its own acks only'],
  [undefined, 'mooring/1/plaka/ack', undefined],
  [undefined, 'mooring/1/#', undefined],
  [undefined, 'mooring/1', 'the topic is none of ours'],
  [undefined, 'mooring/+/plaka/ack', 'the topic is none of ours'],
  [undefined, '#', 'the topic is none of ours'],
  [undefined, '$share/a/mooring/1/+/batch', 'the topic is none of ours'],
])('%s subscribes to %s: %s', (peer, filter, fault) => {
  expect(subscribeFault(peer, filter)).toBe(fault);
});
