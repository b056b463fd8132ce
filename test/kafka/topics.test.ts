/** What other tests see of a topic. */
import { beforeAll, describe, expect, test } from 'vitest';
import { sharedKafka } from './shared.ts';
import { Topics } from './topics.ts';

describe('topics as a test sees them', { tags: ['kafka'] }, () => {
  let topics: Topics;
  beforeAll(async () => {
    topics = new Topics(await sharedKafka());
  });

  test('what was written is read back, whole and in order, and counted', async () => {
    await topics.create({ name: 'read-back', partitions: 2 });
    expect(await topics.read('read-back')).toEqual([]);
    for (const value of ['one', 'two', 'three']) await topics.write('read-back', { value, timestampMs: 1000 });
    const found = await topics.read('read-back');
    expect(found.map(({ value }) => value)).toEqual(['one', 'two', 'three']);
    expect(found[1]).toMatchObject({ offset: 1, key: 'test', timestampMs: 1000 });
    expect(await topics.count('read-back')).toBe(3);
  });

  test('a topic has the settings that it was made with, and is gone when it is deleted', async () => {
    await topics.create({ name: 'weak', settings: { 'message.timestamp.type': 'LogAppendTime' } });
    expect(await topics.settings('weak')).toMatchObject({ 'message.timestamp.type': 'LogAppendTime' });
    await topics.alter('weak', { 'flush.messages': '1' });
    const altered = await topics.settings('weak');
    expect(altered).toMatchObject({ 'message.timestamp.type': 'CreateTime', 'flush.messages': '1' });
    await topics.delete('weak');
    expect(await topics.names()).not.toContain('weak');
  });
});
