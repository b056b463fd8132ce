import { z } from 'zod';
import { brokerClientNote, brokerClientShape } from '../../runtime/config/broker.ts';
import { choice, duration, filePath, laterKeys, pattern, size } from '../../runtime/config/values.ts';
import { LOG_LEVELS } from '../../runtime/log.ts';
import { alarmsShape } from './alarm-schema.ts';
import { calibrateSchema } from './calibration-schema.ts';
import { metricName, name, newMetricName, reservedNames } from './names.ts';
import { qualitySchema } from './quality-schema.ts';

/** A name (RFC 1123), or an address as digits. */
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})|[0-9a-fA-F:]{2,45}|[0-9a-fA-F:]{2,30}:[0-9.]{7,15})$/;

const locationSchema = z
  .union([
    z.literal('gps'),
    z.strictObject({
      lat: z.number().min(-90).max(90).describe('Degrees north, WGS 84'),
      lon: z.number().min(-180).max(180).describe('Degrees east, WGS 84'),
      alt: z.number().min(-500).max(100_000).optional().describe('Metres above mean sea level'),
    }),
  ])
  .meta({ hint: 'Write `gps`, or `{ lat: 42.48, lon: 3.17 }`.' });

/** Keys that every sensor has, whatever its driver. */
export const sensorShape = {
  driver: z.string().min(1).describe('The driver that knows this chip or protocol'),
  every: duration({ min: '10ms', max: '1d' })
    .optional()
    .describe("How often it is asked, a multiple of the station's `every`; left out: at every tick"),
  as: z
    .record(metricName(), metricName().meta({ not: { enum: reservedNames } }))
    .prefault({})
    .describe('Other names for its metrics: `{ temperature: housing_temperature }`'),
  stale: duration({ min: '10ms', max: '1d' })
    .prefault('10s')
    .describe('A sensor that speaks by itself and has been silent for longer is flagged as missing'),
  deadline: duration({ min: '10ms', max: '1m' })
    .prefault('1s')
    .describe('A sample that takes longer has failed; until then the records of the station wait for it in memory'),
  calibrate: calibrateSchema.describe('How its values become true ones, by the names that its driver gives them'),
};

/** A station, its sensors read by `sensor`. */
export function stationSchema<Sensor extends z.ZodType>(sensor: Sensor) {
  return z.strictObject({
    name: name('station').describe(
      'Name of the station; with the name of the gateway it is the identity in every store',
    ),
    every: duration({ min: '10ms', max: '1d' }).prefault('1s').describe('One record per station and tick'),
    location: locationSchema
      .optional()
      .describe('Where it stands, `{ lat, lon, alt }`, or `gps`: where its receiver says it is'),
    sensors: z.array(sensor).min(1).describe('What it measures with'),
  });
}

export const metricSchema = z
  .strictObject({
    like: metricName().optional().describe('The metric of the registry whose type, unit, range and resolution it has'),
    unit: z.string().max(32).optional().describe("Unit, '' where it has none"),
    type: choice(['number', 'boolean', 'text']).optional().describe('What its values are; `number` if left out'),
    resolution: z
      .number()
      .positive()
      .optional()
      .describe("Values are rounded to this; choose it finer than the sensor's noise"),
    range: z.tuple([z.number(), z.number()]).optional().describe('Plausible values, `[lowest, highest]`'),
  })
  .meta({ oneOf: [{ required: ['like'] }, { required: ['unit'] }] });

const storeSchema = z.strictObject({
  path: filePath().describe('The database; `.runs`, `.lock`, `.sock` stand beside it'),
  budget: size({ min: '1MiB' }).prefault('1GiB').describe('Bytes that database and write-ahead log may have'),
  overflow: choice(['drop_oldest'], ['thin', 'stop'])
    .prefault('drop_oldest')
    .describe('What gives way when the budget is full'),
  linger: duration({ max: '1m' })
    .prefault('0s')
    .describe('How long a commit may wait for company: fewer writes to flash, a larger loss on a power cut'),
});

const udpSchema = z.strictObject({
  host: pattern(HOST, 'a host', 'Write the name or the address of the centre, without a port.').describe(
    'Name or address of the centre; a name is looked up at each connecting',
  ),
  port: z.int().min(1).max(65_535).describe('Its UDP port'),
  key: filePath().describe(
    'File with the key that the centre has as `<gateway>.key`: 32 bytes in hex, mode 0600 (`openssl rand -hex 32`)',
  ),
});

/** Ways to the centre: a forwarder has exactly one of these keys. */
export const WAYS = ['mqtt', 'udp'] as const;

const forwarderSchema = z
  .strictObject({
    mqtt: z.strictObject(brokerClientShape).meta(brokerClientNote).optional().describe('Over MQTT 3.1.1'),
    udp: udpSchema.optional().describe('Or: straight to the centre, in sealed datagrams of at most 1,200 bytes'),
    backlog_rate: size({ min: '64B' })
      .optional()
      .describe('Bytes per second for records older than a minute; left out: as fast as the link takes them'),
  })
  .meta({ oneOf: WAYS.map((way) => ({ required: [way] })) });

/** The whole file, its stations read by `station`. */
export function gatewaySchema<Station extends z.ZodType>(station: Station) {
  return z.strictObject({
    gateway: name('gateway').describe("Name of this gateway; part of every record's identity, for ever"),
    stations: z.array(station).min(1).describe('The stations that it makes records of'),
    metrics: z.record(newMetricName(), metricSchema).prefault({}).describe('Metrics beyond the registry'),
    store: storeSchema.describe('Where records stay until the centre has them'),
    forward: z
      .record(name('forwarder'), forwarderSchema)
      .prefault({})
      .describe('Ways to the centre, by name; each has its own cursor'),
    quality: qualitySchema.describe(
      'What is suspect in measured values, by station, or `"*"` for all; see docs/quality.md',
    ),
    ...alarmsShape,
    log_level: choice(LOG_LEVELS).prefault('info').describe('The least important lines that are logged'),
    ...laterKeys('local'),
  });
}
