import { expect, test } from 'vitest';
import { silentLog } from '../../../runtime/log.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { entryOf, runOf, span } from '../../../test/conformance/entries.ts';
import { PowerCutDisk } from '../../../test/conformance/power-cut-disk.ts';
import { foreignOf, lostInTimeOf } from '../../../test/conformance/remote-records.ts';
import { FeedStage, FOLDER } from '../../../test/feed-stage.ts';
import type { FlatRecord } from '../../recordlog/recordlog.ts';
import { FilesSink } from './files.ts';

const never = new AbortController().signal;

function setUp(disk = new PowerCutDisk(new SeededRandom(1))) {
  const clock = new SteppedClock();
  const sink = new FilesSink({ name: 'archive', path: FOLDER, clock, log: silentLog, disk });
  const write = async (flats: readonly FlatRecord[]): Promise<number> => {
    const written = sink.write(
      [],
      undefined,
      flats.map((flat) => ({ flat })),
    );
    written.catch(() => undefined);
    await clock.advance(1000);
    return await written;
  };
  const ids = (): string[] =>
    [...disk.files(FOLDER)]
      .filter(([path]) => path.endsWith('.ndjson'))
      .flatMap(([, text]) => text.split('\n').slice(0, -1))
      .map((line) => (JSON.parse(line) as FlatRecord).id);
  return { disk, clock, sink, write, ids };
}

const flats = span(1, 60).map(foreignOf);

test('a record of an existing device stands once, however often it comes, also after a new start', async () => {
  const { disk, sink, write, ids } = setUp();
  await sink.open(never);
  expect(await write([...flats.slice(0, 40), ...flats.slice(0, 20)])).toBe(40);
  expect(await write(flats.slice(20, 50))).toBe(10);
  await sink.close();
  const again = setUp(disk);
  await again.sink.open(never);
  expect(await again.write(flats)).toBe(10);
  expect(await again.write(flats)).toBe(0);
  await again.sink.close();
  expect(ids().sort()).toEqual(flats.map(({ id }) => id).sort());
});

test('what a failed commit has left of it is not taken for written', async () => {
  for (let steps = 0; steps < 20; steps += 1) {
    const { disk, sink, write, ids } = setUp();
    await sink.open(never);
    await write(flats.slice(0, 10));
    Object.assign(disk.fate, { steps, end: 'full' });
    const isWritten = await write(flats).then(
      () => true,
      () => false,
    );
    disk.fate.steps = Number.POSITIVE_INFINITY;
    expect(await write(flats)).toBe(isWritten ? 0 : 50);
    await sink.close();
    expect(ids().sort()).toEqual(flats.map(({ id }) => id).sort());
  }
});

test('ten thousand records of clocks that are wrong, sent twice, stand once, and nearly all in one file', async () => {
  const lost = lostInTimeOf((number) => foreignOf(number).id, 10_000, 2);
  const { disk, sink, write, ids } = setUp();
  await sink.open(never);
  expect(await write(lost)).toBe(10_000);
  expect(await write(lost)).toBe(0);
  await sink.close();
  expect(ids().sort()).toEqual(lost.map(({ id }) => id).sort());
  const folders = new Set([...disk.files(FOLDER).keys()].map((path) => path.split('/')[0]));
  expect([...folders].filter((name) => !/^202[56]$/.test(String(name))).sort()).toEqual(['.mooring', 'undated']);
});

test('records of gateways and of existing devices come from one topic, each once after it was read twice', async () => {
  const stage = new FeedStage();
  stage.put(1, 30);
  for (const flat of [...flats, ...flats.slice(0, 25)]) stage.putText(JSON.stringify(flat), 1);
  const feed = await stage.start();
  await stage.clock.advance(5000);
  await feed.close();
  expect(stage.letters).toEqual([]);
  const expected = [...entryOf(runOf(1), span(1, 30)).records.map(({ flat }) => flat.id), ...flats.map(({ id }) => id)];
  expect(
    stage
      .written()
      .map(({ id }) => id)
      .sort(),
  ).toEqual(expected.sort());
});
