import { beforeEach, describe, expect, test } from 'vitest';
import { MooringError } from '../../../runtime/errors.ts';
import { SteppedClock } from '../../../sim/clock.ts';
import { LogLines } from '../../../test/log-lines.ts';
import { FlatJsonFormat } from '../../formats/flat-json/flat-json.ts';
import type { Format } from '../../formats/format.ts';
import { LinesFormat } from '../../formats/lines/lines.ts';
import { LorawanFormat } from '../../formats/lorawan/lorawan.ts';
import { UplinkMerge } from '../../formats/lorawan/uplink-merge.ts';
import { SenmlFormat } from '../../formats/senml/senml.ts';
import {
  ForeignIntake,
  type ForeignIntakeOptions,
  type ForeignOutcome,
  type ForeignTaken,
  type ReceivedMessage,
} from './foreign-intake.ts';
import { type ForeignLetter, foreignLetterLine } from './foreign-letters.ts';
import type { ForeignEntry, ForeignFailure, ForeignFate } from './foreign-log.ts';
import { foreignReplyOf } from './foreign-reply.ts';

const TOPIC = 'building/temperature';

/** A log that answers when it is told to. */
class HeldLog {
  readonly entries: ForeignEntry[] = [];
  readonly #waiting: ((error?: MooringError) => void)[] = [];
  refuses = (_: ForeignEntry): boolean => false;

  async append(records: readonly ForeignEntry[]): Promise<readonly (ForeignFate | ForeignFailure)[]> {
    const first = this.entries.push(...records) - records.length;
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push((error) => (error === undefined ? resolve() : reject(error)));
    });
    return records.map((one, index) =>
      this.refuses(one) ? { refused: 'refused_by_log' } : { partition: 0, offset: first + index },
    );
  }

  answer(error?: MooringError): void {
    for (const answer of this.#waiting.splice(0)) answer(error);
  }
}

let clock: SteppedClock;
let lines: LogLines;
let recordLog: HeldLog;
let letters: ForeignLetter[];
let letterError: MooringError | undefined;
let intake: ForeignIntake;

function make(options: Partial<ForeignIntakeOptions> = {}): ForeignIntake {
  intake = new ForeignIntake({
    source: 'building',
    format: new LinesFormat(),
    recordLog,
    letters: {
      append: async (letter) => {
        if (letterError !== undefined) throw letterError;
        letters.push(letter);
      },
    },
    dedupeMs: 60_000,
    bytesMax: 2000,
    clock,
    log: lines,
    ...options,
  });
  return intake;
}

beforeEach(() => {
  clock = new SteppedClock();
  lines = new LogLines();
  recordLog = new HeldLog();
  letters = [];
  letterError = undefined;
  make();
});

function given(text: string, topic: string | undefined = TOPIC): Promise<ForeignOutcome> {
  return intake.take({ bytes: Buffer.from(text), topic, receivedAtMs: clock.wallMs() });
}

/** Given, and answered by the log. */
async function taken(text: string, topic?: string): Promise<ForeignTaken> {
  const outcome = given(text, topic);
  await clock.advance(0);
  recordLog.answer();
  const taken = await outcome;
  if (!taken.isTaken) throw new Error(taken.why);
  return taken;
}

const down = (): MooringError => new MooringError('LOG_FAILED', 'Kafka is away');

test('a message is taken when its records are durable, and each is told where it is', async () => {
  let isTaken = false;
  const outcome = given('TH1|1603584900|21.5\nTH2|1603584900|22').then((value) => {
    isTaken = true;
    return value as ForeignTaken;
  });
  await clock.advance(10_000);
  expect([isTaken, recordLog.entries.length]).toEqual([false, 2]);
  recordLog.answer();
  const { records, refused } = await outcome;
  expect(records).toMatchObject([
    { original: 'TH1', partition: 0, offset: 0 },
    { original: 'TH2', partition: 0, offset: 1 },
  ]);
  expect(recordLog.entries.map(({ json }) => JSON.parse(json))).toEqual(recordLog.entries.map(({ flat }) => flat));
  expect(recordLog.entries[0]?.flat).toMatchObject({
    id: records[0]?.id,
    gateway: 'building',
    station: 'th1',
    temperature: 21.5,
    info: { source_id: 'TH1' },
  });
  expect([refused, letters, lines.said]).toEqual([[], [], []]);
  expect(intake.stats).toMatchObject({ messages: 1, records: 2, refused: 0, bytesWaiting: 0 });
});

test('what a registry knows of a device stands in its record, and changes no id', async () => {
  const plain = await taken('TH1|1603584900|21.5');
  make({ registry: { entryOf: (id) => (id === 'TH1' ? { tags: { room: 'A1' } } : undefined) } });
  const joined = await taken('TH1|1603584900|21.5');
  expect(recordLog.entries[1]?.flat.info).toMatchObject({ tags: { room: 'A1' } });
  expect(joined.records[0]?.id).toBe(plain.records[0]?.id);
});

describe('what is refused', () => {
  test('goes to the dead letter with its whole message before the rest counts as taken', async () => {
    const text = 'TH1|1603584900|21.5\nTH2|1603584900|warm';
    const { records, refused } = await taken(text);
    expect(records).toHaveLength(1);
    expect(refused).toMatchObject([{ code: 'invalid_record', text: 'TH2|1603584900|warm', reason: /no number/ }]);
    expect(letters).toEqual([
      { source: 'building', topic: TOPIC, bytes: Buffer.from(text), receivedAtMs: clock.wallMs(), refused },
    ]);
  });

  test('is not taken while the dead letter takes nothing, and its record is there once when it is given again', async () => {
    letterError = down();
    const outcome = given('TH1|1603584900|21.5\nnothing');
    await clock.advance(0);
    recordLog.answer();
    expect(await outcome).toEqual({ isTaken: false, why: 'failed', retryAfterMs: 2000 });
    letterError = undefined;
    expect(await given('TH1|1603584900|21.5\nnothing')).toMatchObject({ isTaken: true, records: [{ offset: 0 }] });
    expect([recordLog.entries.length, letters.length]).toEqual([1, 1]);
    expect(lines.said).toEqual([
      'error: messages of a source cannot be stored',
      'warn: messages of a source are refused: they are in the dead letter',
      'info: messages of a source are stored again',
    ]);
  });

  test('may be all of it', async () => {
    const bytes = Buffer.of(0xff, 0xfe, 0x00);
    const outcome = await intake.take({ bytes, topic: undefined, receivedAtMs: 0 });
    expect(outcome).toMatchObject({ isTaken: true, records: [], refused: [{ code: 'invalid_record' }] });
    expect(letters).toMatchObject([{ bytes, topic: undefined }]);
    expect(recordLog.entries).toEqual([]);
  });

  test('is a message that is larger than any may be, unread', async () => {
    make({ messageBytesMax: 20 });
    const { records, refused } = await taken('TH1|1603584900|21.50');
    expect([records.length, refused]).toEqual([1, []]);
    expect(await given('TH1|1603584900|21.500')).toMatchObject({ records: [], refused: [{ code: 'too_large' }] });
    expect(letters).toMatchObject([{ bytes: Buffer.from('TH1|1603584900|21.500') }]);
  });

  test('is the second of two devices whose names fold to one', async () => {
    await taken('TH 1|1603584900|21.5');
    const { records, refused } = await taken('th-1|1603584900|21.5\nTH2|1603584900|1');
    expect(records).toMatchObject([{ original: 'TH2' }]);
    expect(refused).toMatchObject([{ code: 'name_collision', reason: 'th-1 and TH 1 are both th-1' }]);
    expect(letters).toHaveLength(1);
  });

  test('is what the log refuses for good', async () => {
    recordLog.refuses = ({ flat }) => flat.station === 'th1';
    const { records, refused } = await taken('TH1|1603584900|21.5\nTH2|1603584900|1');
    expect(records).toMatchObject([{ original: 'TH2' }]);
    expect(refused).toMatchObject([{ code: 'refused_by_log', text: recordLog.entries[0]?.json }]);
    expect(letters).toHaveLength(1);
  });

  test('is told once a minute, with how much of it there was', async () => {
    for (let times = 0; times < 130; times += 1) {
      await given('nothing');
      await clock.advance(1000);
    }
    expect(lines.said).toEqual(Array(3).fill('warn: messages of a source are refused: they are in the dead letter'));
    expect(lines.fields.at(-1)).toMatchObject({ refused: 60, code: 'invalid_record' });
    expect(intake.stats.refused).toBe(130);
  });
});

describe('a record that comes again', () => {
  test('is not written within the window, and told where it is; after it, it is', async () => {
    const first = await taken('TH1|1603584900|21.5');
    await clock.advance(59_000);
    expect(await given('TH1|1603584900|21.5')).toMatchObject({ isTaken: true, records: first.records });
    await clock.advance(1000);
    const again = await taken('TH1|1603584900|21.5');
    expect(again.records).toEqual([{ ...first.records[0], offset: 1 }]);
    expect(intake.stats).toMatchObject({ messages: 3, records: 2, duplicates: 1 });
  });

  test('shares the fate of the one that is on its way', async () => {
    const outcomes = [given('TH1|1603584900|21.5'), given('TH1|1603584900|21.5\nTH1|1603584900|21.5')];
    await clock.advance(0);
    expect(recordLog.entries).toHaveLength(1);
    recordLog.answer(down());
    expect(await Promise.all(outcomes)).toMatchObject([{ isTaken: false }, { isTaken: false }]);
    await taken('TH1|1603584900|21.5');
    expect(intake.stats).toMatchObject({ messages: 1, records: 1, duplicates: 0, failed: 2 });
  });

  test('is written each time where there is no window', async () => {
    make({ dedupeMs: 0 });
    await taken('TH1|1603584900|21.5');
    await taken('TH1|1603584900|21.5');
    expect(recordLog.entries).toHaveLength(2);
  });

  test('is one uplink that several gateways have heard', async () => {
    make({ format: new LorawanFormat(), merge: new UplinkMerge({ clock, windowMs: 10_000 }) });
    const uplink = (gwname: string, sendtime: number): string =>
      JSON.stringify({ DevEui: 'A84041', fCnt: 7, GWInfo: [{ gwname, sendtime }], parsedPayload: { temperature: 20 } });
    const first = await taken(uplink('roof', 1_738_573_200_250), undefined);
    expect(await given(uplink('yard', 1_738_573_201_900))).toMatchObject({ records: first.records });
    expect(recordLog.entries).toHaveLength(1);
  });
});

test('of a message of which some records are durable, only the others are written when it is given again', async () => {
  const given: number[] = [];
  let room = 2;
  recordLog.append = async (records) => {
    given.push(records.length);
    return await Promise.resolve(
      records.map(() => {
        room -= 1;
        return room < 0 ? { failure: down() } : { partition: 0, offset: 1 - room };
      }),
    );
  };
  const message = {
    bytes: Buffer.from('a|1603584900|1\na|1603584901|1\na|1603584902|1'),
    topic: TOPIC,
    receivedAtMs: 0,
  };
  expect(await intake.take(message)).toMatchObject({ isTaken: false, why: 'failed' });
  room = 2;
  expect(await intake.take(message)).toMatchObject({
    isTaken: true,
    records: [{ offset: 0 }, { offset: 1 }, { offset: 0 }],
  });
  expect(given).toEqual([3, 1]);
  expect(intake.stats).toMatchObject({ records: 3, messages: 1, failed: 1 });
});

describe('a reading that says no time', () => {
  const said = '{"station_id":"a","temperature":5}';
  const at = (receivedAtMs: number, more: Partial<ReceivedMessage> = {}): Promise<ForeignOutcome> =>
    intake.take({ bytes: Buffer.from(said), topic: TOPIC, receivedAtMs, ...more });
  const written = (): unknown[] => recordLog.entries.map(({ flat: { id, timestamp } }) => [id, timestamp]);

  beforeEach(() => {
    recordLog.append = async (records) => {
      const first = recordLog.entries.push(...records) - records.length;
      return await Promise.resolve(records.map((_, index) => ({ partition: 0, offset: first + index })));
    };
    make({ format: new FlatJsonFormat() });
  });

  test('is a record at each receipt, and one when the same receipt is given again', async () => {
    await at(1000);
    await at(2000);
    await at(2000);
    expect(written()).toHaveLength(2);
    expect(new Set(recordLog.entries.map(({ flat }) => flat.id)).size).toBe(2);
    expect(intake.stats).toMatchObject({ records: 2, duplicates: 1 });
  });

  test('of a topic is named by its place in it, and has its stamp', async () => {
    const delivery = { name: 'city/0/17', timestampMs: 500 };
    await at(1000, { delivery });
    make({ format: new FlatJsonFormat() });
    await at(2000, { delivery });
    await at(2000, { delivery: { ...delivery, name: 'city/0/18' } });
    const [first, again, other] = written();
    expect(again).toEqual(first);
    expect(other).toEqual([expect.not.stringMatching(String((first as string[])[0])), '1970-01-01T00:00:00.500Z']);
  });

  test('that a broker had retained is no new one: counted, told of once, and taken', async () => {
    const outcomes = [await at(1000, { isRetained: true }), await at(2000, { isRetained: true })];
    expect(outcomes).toEqual(Array(2).fill({ isTaken: true, records: [], refused: [] }));
    const timed = Buffer.from('{"station_id":"a","temperature":5,"timestamp":1700000000}');
    await intake.take({ bytes: timed, topic: TOPIC, receivedAtMs: 3000, isRetained: true });
    expect(intake.stats).toMatchObject({ messages: 3, records: 1, retained: 2 });
    expect(lines.said).toEqual(['warn: the broker has retained readings of a source that say no time']);
  });

  test('is another than an equal one of the same message, whichever other part is refused', async () => {
    const format: Format = {
      name: 'mapping',
      parse: ({ bytes }) => {
        const values = JSON.parse(String(bytes)) as number[];
        const readings = values.map((x_v) => ({ sourceId: 'a', timestampMs: undefined, metrics: { x_v } }));
        return { readings, refused: [] };
      },
    };
    make({ format });
    await intake.take({ bytes: Buffer.from('[5,5]'), topic: TOPIC, receivedAtMs: 1000 });
    await intake.take({ bytes: Buffer.from('[4,5,5]'), topic: TOPIC, receivedAtMs: 1000 });
    const ids = recordLog.entries.map(({ flat }) => flat.id);
    expect([ids.length, new Set(ids).size]).toEqual([3, 3]);
  });

  test('keeps its name in a letter', async () => {
    const bad = Buffer.from('{"station_id":"a","temperature":5,"humidity":"x"}');
    const delivery = { name: 'city/0/17', timestampMs: 500 };
    await intake.take({ bytes: bad, topic: TOPIC, receivedAtMs: 1000, delivery });
    expect(JSON.parse(foreignLetterLine(letters[0] as ForeignLetter))).toMatchObject({
      delivery: { name: 'city/0/17', time: '1970-01-01T00:00:00.500Z' },
      received_at: '1970-01-01T00:00:01.000Z',
    });
  });
});

describe('when it cannot be stored now', () => {
  test('a message beyond the bound is turned away unread, and one alone may be larger than the bound', async () => {
    const large = given(Array.from({ length: 40 }, (_, index) => `TH${index}|1603584900|1`).join('\n'));
    await clock.advance(0);
    expect(intake.stats.bytesWaiting).toBeGreaterThan(2000);
    expect(await given('TH1|1603584900|1')).toEqual({ isTaken: false, why: 'busy', retryAfterMs: 2000 });
    recordLog.answer();
    expect(await large).toMatchObject({ isTaken: true });
    await taken('TH1|1603584901|1');
    expect(intake.stats).toMatchObject({ busy: 1, messages: 2, bytesWaiting: 0 });
  });

  test('an outage is told as it begins and as it ends', async () => {
    for (let times = 0; times < 3; times += 1) {
      const outcome = given('TH1|1603584900|1');
      await clock.advance(0);
      recordLog.answer(down());
      expect(await outcome).toMatchObject({ isTaken: false, why: 'failed' });
    }
    expect(intake.stats.isFailing).toBe(true);
    await taken('TH1|1603584900|1');
    expect(lines.said).toEqual([
      'error: messages of a source cannot be stored',
      'info: messages of a source are stored again',
    ]);
  });

  test('idle waits for what was given', async () => {
    const outcome = given('TH1|1603584900|1');
    let isIdle = false;
    const idle = intake.idle().then(() => (isIdle = true));
    await clock.advance(1000);
    expect(isIdle).toBe(false);
    recordLog.answer();
    await Promise.all([idle, outcome]);
  });
});

test('a reply names the first record, the message’s own id and its hash', async () => {
  make({ format: new SenmlFormat() });
  const bytes = Buffer.from(
    '{"t":1677177580000,"uuid":"0f9a","ref":"dev/1","m":[{"k":"presence","v":0},{"k":"?","v":[]}]}',
  );
  const message = { bytes, topic: undefined, receivedAtMs: Date.UTC(2026, 0, 1) };
  const outcome = intake.take(message);
  await clock.advance(0);
  recordLog.answer();
  expect(foreignReplyOf('juice', message, (await outcome) as ForeignTaken)).toEqual({
    id: recordLog.entries[0]?.flat.id,
    original: '0f9a',
    source: 'juice',
    partition: 0,
    offset: 0,
    bytes: bytes.length,
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    received_at: '2026-01-01T00:00:00.000Z',
    refused: 1,
  });
});
