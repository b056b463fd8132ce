import { beforeEach, expect, test } from 'vitest';
import { MooringError } from '../../../runtime/errors.ts';
import { flatOf, runOf, span } from '../../../test/conformance/entries.ts';
import { FeedStage, FOLDER, GROUP, RUN, TOPIC } from '../../../test/feed-stage.ts';

let stage: FeedStage;
beforeEach(() => {
  stage = new FeedStage();
});

test('what is in the topic, and what comes, stands in the sink once, with its text as it is, and the group hears of it', async () => {
  stage.put(1, 20);
  const asItCame = JSON.stringify(flatOf(RUN, 21)).replace('{"id":', '{ "id" : ').replace(/}$/, ',"x_a":1.50}');
  stage.putText(asItCame, 1);
  const feed = await stage.start();
  expect(feed.status()).toEqual({
    name: 'archive',
    state: 'feeding',
    lag: expect.anything(),
    letters: 0,
    lastError: undefined,
  });
  stage.put(15, 30);
  stage.put(1, 5, { run: runOf(2), partition: 2 });
  await stage.clock.advance(2100);
  expect(stage.sequencesOf(RUN)).toEqual(span(1, 30));
  expect(stage.sequencesOf(runOf(2))).toEqual(span(1, 5));
  expect([...stage.disk.files(FOLDER)].map(([, text]) => text).join('')).toContain(`${asItCame}\n`);
  expect(stage.positions()).toEqual({ 0: 36, 1: 1, 2: 5 });
  await stage.clock.advance(1000);
  expect(await stage.committed()).toEqual([36, 1, 5]);
  await feed.close();
  expect(feed.status().state).toBe('stopped');
  expect(stage.clock.pendingTimers).toBe(0);
});

test('the next one goes on where the sink is, whatever the group says', async () => {
  stage.put(1, 20);
  const first = await stage.start();
  await first.close();
  stage.kafka.commit(GROUP, TOPIC, new Map([[0, 3]]));
  stage.put(21, 25);
  const sink = stage.makeSink();
  const taken: number[] = [];
  const write = sink.write.bind(sink);
  sink.write = (entries, position) => {
    for (const { records } of entries) for (const { sequence } of records) taken.push(sequence);
    return write(entries, position);
  };
  const second = await stage.start({ sink });
  expect(taken).toEqual(span(21, 25));
  await stage.clock.advance(1000);
  expect(await stage.committed()).toEqual([25, 0, 0]);
  await second.close();
  expect(stage.sequencesOf(RUN)).toEqual(span(1, 25));
});

test('a folder without a position of the log begins at the earliest, though the group is further', async () => {
  stage.put(1, 20);
  stage.kafka.commit(GROUP, TOPIC, new Map([[0, 20]]));
  const taken: (readonly (number | undefined)[])[] = [];
  const feed = stage.makeFeed();
  feed.start();
  for (let ms = 0; ms < 3000; ms += 1) {
    await stage.clock.advance(1);
    taken.push(await stage.committed());
  }
  // Ingest takes the group's word for what the sink has: it is taken back before the sink is anywhere.
  expect(new Set(taken.map(([offset]) => offset))).toEqual(new Set([20, 0]));
  expect(taken.at(-1)).toEqual([20, 0, 0]);
  expect(stage.sequencesOf(RUN)).toEqual(span(1, 20));
  await feed.close();
});

test('a sink that takes nothing is told once and tried for ever; then it has everything once, and says so', async () => {
  const feed = await stage.start();
  stage.put(1, 10);
  await stage.clock.advance(1000);
  Object.assign(stage.disk.fate, { end: 'full', steps: 3 });
  stage.put(11, 20);
  await stage.clock.advance(60 * 60_000);
  expect(feed.status()).toMatchObject({ state: 'failed', lastError: { code: 'SINK_FAILED' }, lag: 10 });
  stage.put(21, 30);
  stage.disk.fate.steps = Number.POSITIVE_INFINITY;
  await stage.clock.advance(62_000);
  expect(feed.status()).toMatchObject({ state: 'feeding', lastError: undefined, lag: 0 });
  expect(stage.sequencesOf(RUN)).toEqual(span(1, 30));
  expect(stage.said.told.filter((line) => line.startsWith('error') || line.includes('works'))).toEqual([
    'error: the sink fails; trying again',
    'info: the sink works again',
  ]);
  await feed.close();
});

test('a folder that cannot be opened for now is tried for ever', async () => {
  Object.assign(stage.disk.fate, { end: 'full', steps: 0 });
  const feed = await stage.start();
  stage.put(1, 3);
  await stage.clock.advance(10 * 60_000);
  expect(feed.status().state).toBe('failed');
  stage.disk.fate.steps = Number.POSITIVE_INFINITY;
  await stage.clock.advance(62_000);
  expect(stage.sequencesOf(RUN)).toEqual(span(1, 3));
  await feed.close();
});

test('a place that will never do ends the feed, and the centre with it', async () => {
  const feed = await stage.start();
  await feed.close();
  await stage.disk.writeFrom(`${FOLDER}/.mooring/state.json`, 0, Buffer.from('x'));
  const again = await stage.start();
  expect(again.status()).toMatchObject({ state: 'stopped', lastError: { code: 'SINK_STATE_DAMAGED' } });
  expect(stage.fatal).toMatchObject([{ code: 'SINK_STATE_DAMAGED' }]);
  await again.close();
});

test('what no sink can ever take goes to the dead letter, with where it stands and why, and the rest goes on', async () => {
  const good = flatOf(RUN, 1);
  const NO_ID = 'its id is neither that of a run and sequence nor a UUID of version 5';
  const poisons: [string | Buffer, string][] = [
    ['{"id":', 'it is not JSON'],
    ['', 'it is not JSON'],
    ['[]', 'it is no object'],
    ['null', 'it is no object'],
    ['7', 'it is no object'],
    ['{}', 'its id is no text'],
    [JSON.stringify({ ...good, gateway: 7 }), 'its gateway is no text'],
    [JSON.stringify({ ...good, timestamp: null }), 'its timestamp is no text'],
    [JSON.stringify({ ...good, id: '74738ff5-5367-4958-9aee-98fffdcd1876' }), NO_ID],
    [JSON.stringify({ ...good, timestamp: '2026-02-30T00:00:00.000Z' }), 'its timestamp is none'],
    [JSON.stringify({ ...good, timestamp: '+010000-01-01T00:00:00.000Z' }), 'its timestamp is none'],
    [JSON.stringify({ ...good, timestamp: '../../../../etc/passwd-00.00' }), 'its timestamp is none'],
    [JSON.stringify({ ...good, x_long: 'x'.repeat(524_288) }), 'larger than 524288 bytes'],
  ];
  stage.put(1, 5);
  for (const [value] of poisons) stage.putText(value as string);
  stage.put(6, 9);
  const feed = await stage.start();
  await stage.clock.advance(1000);
  expect(stage.sequencesOf(RUN)).toEqual(span(1, 9));
  expect(stage.letters.map(({ offset, reason }) => [offset, reason])).toEqual(
    poisons.map(([, reason], index) => [5 + index, reason]),
  );
  expect(stage.letters[0]).toEqual({
    topic: TOPIC,
    partition: 0,
    offset: 5,
    sink: 'archive',
    value: Buffer.from('{"id":'),
    reason: 'it is not JSON',
  });
  expect(stage.positions()).toMatchObject({ 0: 9 + poisons.length });
  await feed.close();
});

test('while the dead letter takes nothing the line waits; each letter is given once, and nothing is passed over', async () => {
  stage.deadLetterFailure = new MooringError('LOG_FAILED', 'away');
  stage.put(1, 5);
  stage.putText('poison');
  stage.put(6, 9);
  const feed = await stage.start();
  await stage.clock.advance(5 * 60_000);
  expect(feed.status()).toMatchObject({ state: 'failed', lastError: { code: 'LOG_FAILED' } });
  expect(stage.written()).toEqual([]);
  stage.deadLetterFailure = undefined;
  Object.assign(stage.disk.fate, { end: 'full', steps: 3 });
  await stage.clock.advance(5 * 60_000);
  expect(stage.letters).toHaveLength(1);
  stage.disk.fate.steps = Number.POSITIVE_INFINITY;
  await stage.clock.advance(62_000);
  expect(stage.letters).toHaveLength(1);
  expect(stage.sequencesOf(RUN)).toEqual(span(1, 9));
  await feed.close();
});

test('a record whose text has several lines stands in one', async () => {
  stage.putText(JSON.stringify(flatOf(RUN, 1), null, 2));
  const feed = await stage.start();
  await stage.clock.advance(1000);
  expect(stage.written()).toEqual([flatOf(RUN, 1)]);
  await feed.close();
});

test('a second copy stands by before it joins the group, and takes over where the first was', async () => {
  const first = await stage.start();
  stage.put(1, 10);
  await stage.clock.advance(2000);
  const second = await stage.start();
  await stage.clock.advance(10_000);
  expect(second.status()).toMatchObject({ state: 'standing by', lag: undefined });
  expect(stage.said.told.filter((line) => line === 'info: reading the log')).toHaveLength(1);
  await first.close();
  stage.put(11, 20);
  await stage.clock.advance(2000);
  expect(second.status().state).toBe('feeding');
  expect(stage.sequencesOf(RUN)).toEqual(span(1, 20));
  await second.close();
});

test('closing finishes the write that is under way, and lets the group know of it', async () => {
  const feed = await stage.start();
  stage.put(1, 10);
  await stage.clock.advance(1000);
  stage.put(11, 20);
  await stage.clock.advance(20);
  await feed.close();
  expect(stage.sequencesOf(RUN)).toEqual(span(1, 20));
  expect(await stage.committed()).toEqual([20, 0, 0]);
  expect(stage.clock.pendingTimers).toBe(0);
});

test('closing does not wait for a Kafka that is away, a folder that another has, nor a disk that is full', async () => {
  stage.kafka.faults.isGone = true;
  const away = await stage.start();
  await stage.clock.advance(30_000);
  await away.close();
  stage.kafka.faults.isGone = false;
  const first = await stage.start();
  const standby = await stage.start();
  await standby.close();
  Object.assign(stage.disk.fate, { end: 'full', steps: 0 });
  stage.put(1, 3);
  await stage.clock.advance(5000);
  await first.close();
  expect(stage.clock.pendingTimers).toBe(0);
});
