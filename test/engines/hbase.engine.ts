import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TimeZone } from '../../central/formats/time-zone.ts';
import { flatOf, runOf, span } from '../conformance/entries.ts';
import { patient } from '../conformance/patient-store.ts';
import { storeRecordOf } from '../conformance/remote-records.ts';
import { describeRemoteStore, type Engine } from '../conformance/remote-store.ts';
import { harness, hbaseRows, hbaseStore, placeOf } from './hbase-harness.ts';

const never = new AbortController().signal;

describeRemoteStore('hbase', harness, new URL('./hbase-harness.ts', import.meta.url).href);

describe('HBase, as others read it', { timeout: 300_000 }, () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await harness.start();
  }, 300_000);
  afterAll(() => engine?.stop(), 60_000);

  test('every cell of a row has the time of its event, and rows of a station stand by time', async () => {
    const place = await engine.newPlace();
    const store = harness.make(place);
    await patient(store).open(never);
    const flats = span(1, 50).map((sequence) => flatOf(runOf(1), sequence));
    await patient(store).write(flats.toReversed().map(storeRecordOf));
    await store.close();
    const rows = await hbaseRows(placeOf(place), '*');
    expect(rows.map(({ cells }) => cells.id)).toEqual(flats.map(({ id }) => id));
    for (const { timestamps, cells } of rows) expect([...timestamps]).toEqual([Date.parse(cells.timestamp as string)]);
  });

  test('what is written with one salt is not written on with another', async () => {
    const place = await engine.newPlace();
    const first = hbaseStore(placeOf(place), { kind: 'records', salt: 16 });
    await patient(first).open(never);
    await first.close();
    const second = hbaseStore(placeOf(place), { kind: 'records', salt: 8 });
    await expect(patient(second).open(never)).rejects.toMatchObject({ code: 'SINK_UNFIT' });
    await second.close();
  });

  test('NTUA: a scan from a minute on finds late values of that minute side by side', async () => {
    const place = await engine.newPlace();
    const store = hbaseStore(placeOf(place), { kind: 'ntua', zone: new TimeZone('Europe/Athens') });
    await patient(store).open(never);
    const flats = [1, 2, 3].map((sequence) => ({
      ...flatOf(runOf(1), sequence),
      ...{ kind: 'sample', station: 'w1', timestamp: '2020-01-01T10:15:00.000Z', info: { source_id: 'W1' } },
    }));
    await patient(store).write([...flats, ...flats].map(storeRecordOf));
    await store.close();
    const rows = await hbaseRows(placeOf(place), '*?startrow=2020-01-01%2012:15&endrow=2020-01-01%2012:16');
    expect(rows.map(({ key }) => key)).toEqual(flats.map(({ id }) => `2020-01-01 12:15-W1|${id}`));
    expect(rows[0]?.cells).toMatchObject({ sensor: 'W1', datetime: '2020-01-01 12:15' });
  });
});
