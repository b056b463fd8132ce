import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { alarmVerbs } from '../daemon/ops/alarm-verbs.ts';
import { ControlSocket } from '../daemon/ops/control-socket.ts';
import { systemClock } from '../runtime/clock.ts';
import { silentLog } from '../runtime/log.ts';
import { AlarmStage, actuatorOf, alarmOf, sampleOf } from '../test/alarm-stage.ts';
import { type AlarmsOptions, runAlarms } from './alarms.ts';

const ABOVE = { kind: 'above', limit: 40, clear: 38 } as const;

let folder = '';
let stage: AlarmStage;
let socket: ControlSocket;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-alarms-'));
  const sensors = 'sensors: [{ driver: sim, profile: city, seed: 7 }]';
  const text = `gateway: plaka\nstations: [{ name: buoy, ${sensors} }]\nstore: { path: store.db }\n`;
  writeFileSync(join(folder, 'mooring.yaml'), text);
  stage = await AlarmStage.start({
    alarms: [
      alarmOf(ABOVE, { name: 'warm', level: 'info', stations: ['buoy', 'mast'] }),
      alarmOf(ABOVE, { level: 'critical' }),
    ],
    actuators: [actuatorOf('buzzer', { limitMs: 60_000 }), actuatorOf('lamp')],
  });
  socket = new ControlSocket(join(folder, 'store.db.sock'), alarmVerbs(stage.alarms), silentLog);
  await socket.open();
});
afterEach(async () => {
  await socket.close();
  rmSync(folder, { recursive: true, force: true });
});

async function run(options: Partial<AlarmsOptions> = {}): Promise<{ status: number; out: string; err: string }> {
  const printed = { out: '', err: '' };
  const streams = {
    out: { write: (text: string) => (printed.out += text) },
    err: { write: (text: string) => (printed.err += text) },
  };
  const file = join(folder, 'mooring.yaml');
  const status = await runAlarms(file, { json: false, ...options }, { clock: systemClock, streams });
  return { status, ...printed };
}

test('what stands comes first, the most urgent before the others, with its age and value', async () => {
  stage.sample(41.456);
  await stage.clock.advance(185_000);
  stage.alarms.silence({ alarm: 'hot' });
  expect(await run()).toEqual({
    status: 0,
    out: [
      'alarm  station  level     state                         for     value',
      'hot    buoy     critical  raised, silenced for 10m 00s  3m 05s  temperature 41.46 °C',
      'warm   buoy     info      raised                        3m 05s  temperature 41.46 °C',
      'warm   mast     info      normal',
      '',
      'actuator buzzer rests: it has played as long as it may',
      '',
    ].join('\n'),
    err: '',
  });
});

test('--json is one object with stable keys', async () => {
  stage.sample(41);
  const { out } = await run({ json: true, station: 'buoy' });
  expect(JSON.parse(out)).toEqual({
    alarms: [
      { alarm: 'warm', station: 'buoy', level: 'info', state: 'raised', for_s: 0, values: { temperature: 41 } },
      { alarm: 'hot', station: 'buoy', level: 'critical', state: 'raised', for_s: 0, values: { temperature: 41 } },
    ],
    actuators: [
      { actuator: 'buzzer', state: 'plays' },
      { actuator: 'lamp', state: 'rests' },
    ],
    buttons: [],
  });
});

test('ack and silence say what was done, of how many stations, and where there was nothing to do', async () => {
  stage.sample(41);
  stage.alarms.sampled({ ...sampleOf({ temperature: 41 }), station: 'mast' });
  expect(await run({ action: 'ack', name: 'warm' })).toMatchObject({
    status: 0,
    out: 'warm: acknowledged, of 2 stations\n',
  });
  expect(await run({ action: 'ack', name: 'warm' })).toMatchObject({
    status: 0,
    out: 'warm: nothing to do: it is not raised, or is acknowledged already\n',
  });
  expect(await run({ action: 'silence', name: 'hot', forMs: 5000 })).toMatchObject({
    status: 0,
    out: 'hot: silenced\n',
  });
  expect(await run({ action: 'ack', name: 'hot', json: true })).toMatchObject({ out: '{"known":true,"count":1}\n' });
  expect(stage.events()).toEqual([
    'raised',
    'raised',
    'raised',
    'acknowledged',
    'acknowledged',
    'silenced',
    'acknowledged',
  ]);
});

test('an alarm that there is not ends with 1 and the name that was meant', async () => {
  expect(await run({ action: 'ack', name: 'hut' })).toEqual({
    status: 1,
    out: '',
    err: 'mooring: there is no alarm hut. Did you mean `hot`?\n',
  });
  expect(await run({ action: 'silence', name: 'hot', station: 'mast' })).toMatchObject({
    status: 1,
    err: 'mooring: there is no alarm hot of mast. There is one of: buoy.\n',
  });
  expect(await run({ station: 'pier' })).toMatchObject({ status: 1 });
});

test('without a running gateway it is not running', async () => {
  await socket.close();
  await expect(run()).rejects.toMatchObject({ code: 'NOT_RUNNING' });
});
