import { expect, test } from 'vitest';
import { lackOf } from './needs.ts';

const system = (programs: Readonly<Record<string, string>>, javas: readonly number[] = []) => ({
  has: (program: string) => Object.hasOwn(programs, program),
  versionText: (program: string) => programs[program] ?? '',
  javas: () => javas,
});
const java = 'openjdk version "17.0.19" 2026-04-21\nOpenJDK Runtime Environment';

test('what an engine lacks is told with the packages that bring it', () => {
  expect(lackOf('hbase', system({ java, mvn: '' }))).toBeUndefined();
  expect(lackOf('hbase', system({ java }))).toBe('it needs mvn. Get it with: sudo apt-get install maven');
  expect(lackOf('hbase', system({ java: 'openjdk version "11.0.2"', mvn: '' }))).toBe(
    'it needs java 17 or later. Get it with: sudo apt-get install openjdk-17-jre-headless',
  );
  expect(lackOf('hbase', system({}))).toBe(
    'it needs java 17 or later and mvn. Get it with: sudo apt-get install openjdk-17-jre-headless maven',
  );
  expect(lackOf('cassandra', system({ java, mvn: '' }))).toBe(
    'it needs openssl. Get it with: sudo apt-get install openssl',
  );
  expect(lackOf('postgres', system({ setpriv: '', openssl: '' }))).toBe(
    'it needs initdb. Get it with: sudo apt-get install postgresql',
  );
  expect(lackOf('hdfs', system({ java, mvn: '' }))).toBe(
    'it needs python3 and pip3. Get it with: sudo apt-get install python3 python3-pip',
  );
});

test('an engine whose starter is compiled wants a compiler, of that version, and one of them beside the path where it can', () => {
  expect(lackOf('opensearch', system({ java, mvn: '' }, [25]))).toBe(
    'it needs javac 17 or later. Get it with: sudo apt-get install openjdk-17-jdk-headless',
  );
  expect(lackOf('opensearch', system({ javac: 'javac 17.0.15', mvn: '' }))).toBeUndefined();
  const lacksNewer = 'it needs javac 21 or later. Get it with: sudo apt-get install openjdk-21-jdk-headless';
  expect(lackOf('opensearch3', system({ javac: 'javac 17.0.15', mvn: '' }, [17]))).toBe(lacksNewer);
  expect(lackOf('opensearch3', system({ javac: 'javac 17.0.15', mvn: '' }, [17, 25]))).toBeUndefined();
});
