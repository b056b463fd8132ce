import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { silentLog } from '../../runtime/log.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { HeldMemory, NoPorts } from '../../test/no-ports.ts';
import type { OneWireDevice, PolledSensor } from '../driver.ts';
import { ds18b20 } from './ds18b20.ts';

interface Table {
  readonly table: readonly { readonly digital: string; readonly celsius: number | 'power-on' }[];
  readonly beyond: readonly string[];
  readonly coarse: readonly { readonly configuration: string; readonly digital: string; readonly celsius: number }[];
}

const { table, beyond, coarse } = JSON.parse(
  readFileSync(join(import.meta.dirname, 'fixtures', 'w1-slave.json'), 'utf8'),
) as Table;
const never = new AbortController().signal;

/** The kernel's file for a register, in the data sheet's order of its bytes. */
function textOf(digital: string, verdict = 'YES', configuration = '7f'): string {
  const bytes = `${digital.slice(2)} ${digital.slice(0, 2)} 4b 46 ${configuration} ff 0c 10 1c`;
  // What stands behind `t=` is of the last reading whose checksum was right.
  return `${bytes} : crc=1c ${verdict}\n50 05 4b 46 7f ff 0c 10 1c t=85000\n`;
}

function sensorWith(text: string, options: object = {}): { sensor: PolledSensor; asked: string[] } {
  const asked: string[] = [];
  const device: OneWireDevice = {
    open: () => Promise.resolve(),
    read: async (file) => {
      asked.push(file);
      return await Promise.resolve(text);
    },
    close: () => Promise.resolve(),
  };
  const ports = new (class extends NoPorts {
    override oneWire(id: string): OneWireDevice {
      asked.push(id);
      return device;
    }
  })();
  const context = {
    clock: new SteppedClock(),
    random: new SeededRandom(1),
    log: silentLog,
    ports,
    memory: new HeldMemory(),
  };
  const sensor = ds18b20.create(
    ds18b20.options.parse({ device: '28-0316a2798dff', ...options }),
    context,
  ) as PolledSensor;
  return { sensor, asked };
}

test.each(table)('$digital is $celsius °C', async ({ digital, celsius }) => {
  const { sensor, asked } = sensorWith(textOf(digital));
  const sampled = sensor.sample(never);
  if (celsius === 'power-on') await expect(sampled).rejects.toMatchObject({ code: 'READING_DAMAGED' });
  else expect(await sampled).toEqual({ metrics: { water_temperature: celsius } });
  expect(asked).toEqual(['28-0316a2798dff', 'w1_slave']);
});

test.each(coarse)(
  'of $digital in a sensor that is set to fewer bits, $configuration, those that mean something are $celsius °C',
  async ({ configuration, digital, celsius }) => {
    const { sensor } = sensorWith(textOf(digital, 'YES', configuration));
    expect(await sensor.sample(never)).toEqual({ metrics: { water_temperature: celsius } });
  },
);

test.each(beyond)('%s is beyond what it can measure, and damaged', async (digital) => {
  await expect(sensorWith(textOf(digital)).sensor.sample(never)).rejects.toMatchObject({ code: 'READING_DAMAGED' });
});

test.each([
  ['a wrong checksum, with an old temperature behind it', textOf('0191', 'NO')],
  [
    'nothing but zeros, whose checksum is right',
    '00 00 00 00 00 00 00 00 00 : crc=00 YES\n00 00 00 00 00 00 00 00 00 t=0\n',
  ],
  ['nothing', ''],
  ['half a line', '50 05 4b 46 7f ff 0c'],
  ['something else', '24 crc YES'],
])('%s is damaged', async (_, text) => {
  await expect(sensorWith(text).sensor.sample(never)).rejects.toMatchObject({
    code: 'READING_DAMAGED',
    retry: 'now',
    context: { device: '28-0316a2798dff' },
  });
});

test('it may be the temperature of anything', async () => {
  const { sensor } = sensorWith(textOf('0191'), { metric: 'temperature' });
  expect(await sensor.sample(never)).toEqual({ metrics: { temperature: 25.0625 } });
});

test.each(['10-000801b5a7a6', '28-0316A2798DFF', '28-0316a2798d', 'w1_bus_master1', '../28-0316a2798dff'])(
  '%s is no DS18B20',
  (device) => {
    expect(ds18b20.options.safeParse({ device }).success).toBe(false);
  },
);
