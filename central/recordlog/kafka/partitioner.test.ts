import fc from 'fast-check';
import kafkajs from 'kafkajs';
import { expect, test } from 'vitest';
import { murmur2, partitionOf } from './partitioner.ts';

// Apache Kafka, clients/src/test/java/org/apache/kafka/common/utils/UtilsTest.java, testMurmur2.
test.each([
  ['21', -973_932_308],
  ['foobar', -790_332_482],
  ['a-little-bit-long-string', -985_981_536],
  ['a-little-bit-longer-string', -1_486_304_829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58_897_971],
  ['abc', 479_470_107],
])('murmur2 of %s is what the Java client has', (text, hash) => {
  expect(murmur2(Buffer.from(text))).toBe(hash);
});

test('a view into a larger buffer is hashed as its bytes alone', () => {
  const large = Buffer.from('...foobar...');
  expect(murmur2(large.subarray(3, 9))).toBe(-790_332_482);
});

test('a key has the partition that the Java-compatible partitioner of a client package gives it', () => {
  const partitioner = kafkajs.Partitioners.DefaultPartitioner();
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 100 }), (key, partitions) => {
      const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
        partitionId,
        leader: 1,
        partitionErrorCode: 0,
        replicas: [],
        isr: [],
      }));
      const expected = partitioner({ topic: 'any', partitionMetadata, message: { key, value: null } });
      expect(partitionOf(key, partitions)).toBe(expected);
    }),
    { numRuns: 2000 },
  );
});
