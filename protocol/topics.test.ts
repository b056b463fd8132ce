import { describe, expect, it } from 'vitest';
import { parseTopic, topicFilterOf, topicOf } from './topics.ts';

describe('topics', () => {
  it('name a gateway and a channel, there and back', () => {
    for (const channel of ['batch', 'ack', 'state'] as const) {
      for (const gateway of ['plaka', 'a', '0', 'buoy-7.north_2', 'x'.repeat(63)]) {
        const topic = topicOf(gateway, channel);
        expect(topic).toBe(`mooring/1/${gateway}/${channel}`);
        expect(parseTopic(topic)).toEqual({ gateway, channel });
      }
    }
  });

  it('are matched by one filter for all gateways', () => {
    expect(topicFilterOf('batch')).toBe('mooring/1/+/batch');
  });

  it.each([
    '',
    'mooring',
    'mooring/1/plaka',
    'mooring/2/plaka/batch',
    'mooring/1//batch',
    'mooring/1/plaka/batch/',
    '/mooring/1/plaka/batch',
    'mooring/1/plaka/batch/more',
    'mooring/1/plaka/command',
    'mooring/1/Plaka/batch',
    'mooring/1/-plaka/batch',
    'mooring/1/+/batch',
    `mooring/1/${'x'.repeat(64)}/batch`,
    'mooring/1/pla ka/batch',
    'mooring/1/plaka\n/batch',
    'Mooring/1/plaka/batch',
  ])('are none of ours: %j', (topic) => {
    expect(parseTopic(topic)).toBeUndefined();
  });
});
