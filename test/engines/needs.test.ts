import { expect, test } from 'vitest';
import { lackOf } from './needs.ts';

const system = (programs: Readonly<Record<string, string>>) => ({
  has: (program: string) => Object.hasOwn(programs, program),
  versionText: (program: string) => programs[program] ?? '',
});

test('what an engine lacks is told with the packages that bring it', () => {
  const java17 = 'openjdk version "17.0.19" 2026-04-21\nOpenJDK Runtime Environment';
  expect(lackOf('hbase', system({ java: java17, mvn: '' }))).toBeUndefined();
  expect(lackOf('hbase', system({ java: java17 }))).toBe('it needs mvn. Get it with: sudo apt-get install maven');
  expect(lackOf('hbase', system({ java: 'openjdk version "11.0.2"', mvn: '' }))).toBe(
    'it needs java 17 or later. Get it with: sudo apt-get install openjdk-17-jre-headless',
  );
  expect(lackOf('opensearch3', system({ java: java17, mvn: '' }))).toBe(
    'it needs java 21 or later. Get it with: sudo apt-get install openjdk-21-jre-headless',
  );
  expect(lackOf('hbase', system({}))).toBe(
    'it needs java 17 or later and mvn. Get it with: sudo apt-get install openjdk-17-jre-headless maven',
  );
});
