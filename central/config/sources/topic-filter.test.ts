import fc from 'fast-check';
import { expect, test } from 'vitest';
import { matchesFilter } from './topic-filter.ts';

/** MQTT 3.1.1 section 4.7, with its own examples. */
test.each([
  ['sport/tennis/player1/#', 'sport/tennis/player1', true],
  ['sport/tennis/player1/#', 'sport/tennis/player1/ranking', true],
  ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon', true],
  ['sport/tennis/player1/#', 'sport/tennis/player2', false],
  ['sport/#', 'sport', true],
  ['#', 'sport/tennis', true],
  ['sport/tennis/+', 'sport/tennis/player1', true],
  ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
  ['sport/+', 'sport', false],
  ['sport/+', 'sport/', true],
  ['+/+', '/finance', true],
  ['/+', '/finance', true],
  ['+', '/finance', false],
  ['+/tennis/#', 'sport/tennis/a/b', true],
  ['#', '$SYS/broker', false],
  ['+/monitor/Clients', '$SYS/monitor/Clients', false],
  ['$SYS/#', '$SYS/broker/load', true],
  ['$SYS/monitor/+', '$SYS/monitor/Clients', true],
  ['ACCOUNTS', 'Accounts', false],
  ['/finance', 'finance', false],
  ['a//b', 'a//b', true],
  ['a/+/b', 'a//b', true],
])('%s takes %s: %s', (filter, topic, isTaken) => {
  expect(matchesFilter(filter, topic)).toBe(isTaken);
});

const level = fc.stringMatching(/^[a-c]{0,2}$/);
const levels = fc.array(level, { minLength: 1, maxLength: 5 });

test('a topic is taken by itself, with any level as +, and by # in the place of any of its ends', () => {
  fc.assert(
    fc.property(levels, fc.nat(), (topic, at) => {
      const index = at % topic.length;
      const text = topic.join('/');
      expect(matchesFilter(text, text)).toBe(true);
      expect(matchesFilter(topic.with(index, '+').join('/'), text)).toBe(true);
      expect(matchesFilter([...topic.slice(0, index), '#'].join('/'), text)).toBe(true);
      expect(matchesFilter([...topic, 'more'].join('/'), text)).toBe(false);
    }),
  );
});
