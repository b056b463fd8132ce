import { BuoyJsonFormat } from '../central/formats/buoy-json/buoy-json.ts';
import { FlatJsonFormat } from '../central/formats/flat-json/flat-json.ts';
import { foreignRecordOf } from '../central/formats/foreign-record.ts';
import type { Format } from '../central/formats/format.ts';
import { LinesFormat } from '../central/formats/lines/lines.ts';
import { LorawanFormat } from '../central/formats/lorawan/lorawan.ts';
import { SenmlFormat } from '../central/formats/senml/senml.ts';
import { TimeZone } from '../central/formats/time-zone.ts';
import { profileTalker, type TalkProfile } from '../cli/central-talk/profiles.ts';
import type { DeviceMessage } from '../sim/talkers/devices/device.ts';
import type { Benchmark, Figure } from './figure.ts';
import { inTurn } from './rounds.ts';

const MESSAGES = 2000;
const TURNS = 15;
const START_MS = Date.UTC(2026, 0, 1);
const SEED = 1;

const FORMATS: readonly (readonly [profile: TalkProfile, format: Format])[] = [
  ['senml', new SenmlFormat()],
  ['flat-json', new FlatJsonFormat()],
  ['python-repr', new FlatJsonFormat({ lenient: 'python-repr' })],
  ['buoy-json', new BuoyJsonFormat({ zone: new TimeZone('Europe/Paris') })],
  ['lorawan', new LorawanFormat()],
  ['lines', new LinesFormat({ zone: new TimeZone('Europe/Athens') })],
];

/** Processor time from the bytes of an existing device's message to its record as JSON. */
export const foreignFormats: Benchmark = {
  name: 'foreign-formats',
  about: [
    `Processor time for a message of an existing device: parsed, named, made a record with its id, written as JSON. ${MESSAGES}`,
    'messages of each simulated kind of device, on one thread, in turn with the limit, median of the turns. Limit: JSON.parse',
    'and JSON.stringify of the same bytes; of those that are no JSON, of their text as a JSON text.',
  ],
  async run() {
    const figures: Figure[] = [];
    for (const [profile, format] of FORMATS) figures.push(...(await figuresOf(profile, format)));
    return figures;
  },
};

async function figuresOf(profile: TalkProfile, format: Format): Promise<readonly Figure[]> {
  const messages = messagesOf(profile);
  const bare = messages.map(jsonBytesOf);
  const [ours, limit] = await inTurn(
    TURNS,
    () => Promise.resolve(cpuMicros(() => messages.reduce((sum, one) => sum + recordsOf(one, profile, format), 0))),
    () =>
      Promise.resolve(
        cpuMicros(() => bare.reduce((sum, one) => sum + JSON.stringify(JSON.parse(one.toString('utf8'))).length, 0)),
      ),
  );
  const [value, floor] = [ours / MESSAGES, limit / MESSAGES];
  return [
    { name: `foreign-formats/${profile}`, value, unit: 'µs/record', limit: floor },
    { name: `foreign-formats/${profile}-rate`, value: 1e6 / value, unit: 'records/s', limit: 1e6 / floor },
  ];
}

function messagesOf(profile: TalkProfile): readonly DeviceMessage[] {
  const talker = profileTalker(profile, { seed: SEED, startMs: START_MS });
  return Array.from({ length: MESSAGES }, () => talker.next().value);
}

/** Throws where a message is refused: a figure of a broken path is none. */
function recordsOf(message: DeviceMessage, source: string, format: Format): number {
  let chars = 0;
  const { readings, refused } = format.parse(message);
  if (readings.length !== 1 || refused.length > 0) throw new Error(`a message of ${source} is not taken whole`);
  for (const reading of readings) {
    chars += JSON.stringify(foreignRecordOf({ source, reading, receivedAtMs: message.atMs })).length;
  }
  return chars;
}

function jsonBytesOf({ bytes }: DeviceMessage): Buffer {
  const text = Buffer.from(bytes).toString('utf8');
  return Buffer.from(text.startsWith('{"') ? text : JSON.stringify(text));
}

function cpuMicros(work: () => number): number {
  const before = process.cpuUsage();
  if (work() === 0) throw new Error('nothing was made');
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
