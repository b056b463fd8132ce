import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { AnyDriver, I2cSettings } from '../../drivers/driver.ts';
import { gpioLine } from '../../drivers/gpio-line.ts';
import { chipPlace, i2cOptions } from '../../drivers/i2c-options.ts';
import { modbus } from '../../drivers/modbus/modbus.ts';
import { problemsOf } from '../../runtime/config/problem.ts';
import { ConfigReader } from '../../runtime/config/reader.ts';
import { filePath } from '../../runtime/config/values.ts';
import { readGatewayConfig } from './read.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-places-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ADDRESSES = [0x44, 0x70, 0x71] as const;
const driver = (name: string, options: z.ZodType, places: AnyDriver['places']): AnyDriver => ({
  name,
  summary: 'Is somewhere',
  options,
  metrics: () => [{ name: 'temperature' }],
  ...(places === undefined ? {} : { places }),
  create: () => {
    throw new Error('reading a configuration builds no sensor');
  },
});
const inputs = z.strictObject({ ...i2cOptions(ADDRESSES, 0x44), channel: z.int() });
const inputPlace = (options: z.output<typeof inputs>) => [
  { ...chipPlace(options), input: { at: ['channel'], name: options.channel } },
];
const DRIVERS: readonly AnyDriver[] = [
  driver('chip', z.strictObject(i2cOptions(ADDRESSES, 0x44)), (options) => [chipPlace(options)]),
  driver('inputs', inputs, inputPlace),
  driver('other-inputs', inputs, inputPlace),
  driver('port', z.strictObject({ port: filePath() }), ({ port }) => [{ kind: 'serial', at: ['port'], path: port }]),
  driver('pulses', z.strictObject({ gpio: gpioLine() }), ({ gpio }) => [{ kind: 'gpio', at: ['gpio'], line: gpio }]),
  driver('wire', z.strictObject({ device: z.string() }), ({ device }) => [
    { kind: 'one_wire', at: ['device'], device },
  ]),
  driver('nowhere', z.strictObject({}), undefined),
  modbus,
];

/** Each sensor in a line of its own, from line 2 on, as a station of its own. */
const problemsIn = (sensors: readonly string[], rest = ''): string[] => {
  const file = join(folder, 'mooring.yaml');
  const stations = sensors.map((sensor, index) => `  - { name: s${index}, sensors: [{ ${sensor} }] }\n`);
  writeFileSync(file, `stations:\n${stations.join('')}gateway: plaka\nstore: { path: s.db }\n${rest}`);
  try {
    readGatewayConfig(new ConfigReader(file), DRIVERS);
    return [];
  } catch (error) {
    const problems = problemsOf(error);
    if (problems.length === 0) throw error;
    return problems.map(({ line, key, message }) => `${line} ${key}: ${message}`);
  }
};

const register = 'registers: [{ metric: temperature, register: 0 }]';

test.each([
  ['sensors that have no place', ['driver: nowhere', 'driver: nowhere']],
  ['one address on two buses', ['driver: chip', 'driver: chip, bus: i2c-3']],
  ['two addresses', ['driver: chip', 'driver: chip, address: 0x70']],
  [
    'two channels of a multiplexer',
    ['driver: chip, mux: { address: 0x70, channel: 0 }', 'driver: chip, mux: { address: 0x70, channel: 1 }'],
  ],
  [
    'the same channel of two multiplexers',
    ['driver: chip, mux: { address: 0x70, channel: 0 }', 'driver: chip, mux: { address: 0x71, channel: 0 }'],
  ],
  [
    'a chip behind a multiplexer, and one in front of that of another bus',
    ['driver: chip, mux: { address: 0x70, channel: 0 }', 'driver: chip, bus: i2c-3'],
  ],
  ['two inputs of a chip', ['driver: inputs, channel: 0', 'driver: inputs, channel: 1']],
  ['two ports', ['driver: port, port: /dev/ttyUSB0', 'driver: port, port: /dev/ttyUSB1']],
  [
    'two units, and one unit twice, on a line that is set alike',
    [
      `driver: modbus, rtu: { port: /dev/ttyUSB0 }, unit: 1, ${register}`,
      `driver: modbus, rtu: { port: /dev/ttyUSB0, baud: 9600 }, unit: 2, ${register}`,
      `driver: modbus, rtu: { port: /dev/ttyUSB0, parity: none }, unit: 2, ${register}`,
    ],
  ],
  [
    'a device in the network twice',
    [`driver: modbus, tcp: { host: a }, ${register}`, `driver: modbus, tcp: { host: a }, ${register}`],
  ],
  ['a line by name and a line by offset', ['driver: pulses, gpio: GPIO17', 'driver: pulses, gpio: pinctrl-bcm2711/17']],
  ['two devices on the wire', ["driver: wire, device: '28-1'", "driver: wire, device: '28-2'"]],
])('%s may stand beside each other', (_, sensors) => {
  expect(problemsIn(sensors)).toEqual([]);
});

test('each that comes later is told of the first', () => {
  expect(problemsIn(['driver: chip', 'driver: chip', 'driver: chip, address: 0x44'])).toEqual([
    '3 stations[1].sensors[0].address: the chip at 0x44 of i2c-1 is read in line 2 already',
    '4 stations[2].sensors[0].address: the chip at 0x44 of i2c-1 is read in line 2 already',
  ]);
});

test('inputs of a chip are shared among sensors of one driver, each by one of them', () => {
  expect(
    problemsIn([
      'driver: inputs, channel: 0',
      'driver: inputs, channel: 1',
      'driver: inputs, channel: 1',
      'driver: other-inputs, channel: 2',
      'driver: chip',
    ]),
  ).toEqual([
    '4 stations[2].sensors[0].channel: this input of the chip is read in line 3 already',
    '5 stations[3].sensors[0].address: the chip at 0x44 of i2c-1 is read in line 2 already',
    '6 stations[4].sensors[0].address: the chip at 0x44 of i2c-1 is read in line 2 already',
  ]);
});

test.each(['baud: 19200', 'parity: even', 'stop_bits: 2'])(
  'a line that another unit wants with `%s` is told',
  (other) => {
    expect(
      problemsIn([
        `driver: modbus, rtu: { port: /dev/ttyUSB0 }, ${register}`,
        `driver: modbus, rtu: { port: /dev/ttyUSB0, ${other} }, ${register}`,
      ]),
    ).toEqual(['3 stations[1].sensors[0].rtu.port: line 2 uses it with `baud: 9600`, `parity: none`, `stop_bits: 1`']);
  },
);

test('a port is not shared by a Modbus line and another driver, whichever comes first', () => {
  const line = `driver: modbus, rtu: { port: /dev/ttyUSB0 }, ${register}`;
  const port = 'driver: port, port: /dev/ttyUSB0';
  expect(problemsIn([line, port])).toEqual(['3 stations[1].sensors[0].port: is used in line 2 already']);
  expect(problemsIn([port, line])).toEqual(['3 stations[1].sensors[0].rtu.port: is used in line 2 already']);
});

test('a relative path and the absolute one that it comes to are one port', () => {
  expect(problemsIn(['driver: port, port: tty', `driver: port, port: ${join(folder, 'tty')}`])).toHaveLength(1);
});

test('a path that no record has room for is told, to the byte', () => {
  const port = (bytes: number): string =>
    `driver: port, port: /${'é'.repeat((bytes - 1) >> 1)}${bytes % 2 === 0 ? 'x' : ''}`;
  expect(problemsIn([port(512)])).toEqual([]);
  expect(problemsIn([port(513)])).toEqual(['2 stations[0].sensors[0].port: a path of 513 bytes, 512 are allowed']);
});

test('a line has one use, among counters, actuators and buttons, and `/05` is `/5`', () => {
  const rest = 'actuators: { red: { gpio: GPIO17 } }\nbuttons: { quiet: { gpio: chip/05, press: ack } }\n';
  expect(problemsIn(['driver: pulses, gpio: GPIO17', 'driver: pulses, gpio: chip/5'], rest)).toEqual([
    '6 actuators.red.gpio: is used in line 2 already',
    '7 buttons.quiet.gpio: is used in line 3 already',
  ]);
});

test('one device on the wire has one sensor', () => {
  expect(problemsIn(["driver: wire, device: '28-1'", "driver: wire, device: '28-1'"])).toEqual([
    '3 stations[1].sensors[0].device: is used in line 2 already',
  ]);
});

const anyChip = fc.record({
  bus: fc.constantFrom('i2c-1', 'i2c-3'),
  address: fc.constantFrom(...ADDRESSES),
  mux: fc.option(fc.record({ address: fc.constantFrom(0x70, 0x71), channel: fc.constantFrom(0, 1) }), {
    nil: undefined,
  }),
});

/** How many answer at an address of a bus, while a channel of a multiplexer is on or none is; each chip is there once for each sensor. */
function answers(chips: readonly I2cSettings[], bus: string, address: number, on?: I2cSettings['mux']): number {
  const ofBus = chips.filter((chip) => chip.bus === bus);
  const multiplexers = new Set(ofBus.flatMap(({ mux }) => (mux === undefined ? [] : [mux.address])));
  const isHeard = ({ mux }: I2cSettings): boolean =>
    mux === undefined || (mux.address === on?.address && mux.channel === on.channel);
  return ofBus.filter((chip) => isHeard(chip) && chip.address === address).length + (multiplexers.has(address) ? 1 : 0);
}

test('a configuration of chips is right exactly where one answers whenever one is asked', () => {
  const seen = new Set<boolean>();
  fc.assert(
    fc.property(fc.array(anyChip, { minLength: 1, maxLength: 4 }), (given) => {
      const chips = given.map(({ mux, ...rest }): I2cSettings => (mux === undefined ? rest : { ...rest, mux }));
      const isRight = chips.every(
        ({ bus, address, mux }) =>
          answers(chips, bus, address, mux) === 1 && (mux === undefined || answers(chips, bus, mux.address) === 1),
      );
      const problems = problemsIn(
        chips.map((chip) => `driver: chip, ${JSON.stringify(chip).slice(1, -1).replaceAll('":', '": ')}`),
      );
      expect(problems.length === 0).toBe(isRight);
      seen.add(isRight);
    }),
    { numRuns: 150 },
  );
  expect(seen.size).toBe(2);
});
