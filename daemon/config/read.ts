import assert from 'node:assert/strict';
import { z } from 'zod';
import type { AnyDriver } from '../../drivers/driver.ts';
import type { Location } from '../../protocol/record.ts';
import { brokerClientOf } from '../../runtime/config/broker.ts';
import type { ConfigReader } from '../../runtime/config/reader.ts';
import { knownStations } from './alarm-stations.ts';
import { readAlarms } from './alarms.ts';
import { readCalibrations } from './calibration.ts';
import { checkForwarders, checkMetrics, checkStations } from './checks.ts';
import { readActuators, readButtons } from './gpio.ts';
import { checkPlaces } from './places.ts';
import { readQuality, type StationRules } from './quality.ts';
import { gatewaySchema, stationSchema } from './schema.ts';
import { readSensors, type SensorRead } from './sensors.ts';
import type { ForwarderConfig, GatewayConfig, SensorConfig, StationConfig, StoreConfig } from './types.ts';

/** Sensors are read one by one, by their drivers' schemas. */
const rootSchema = gatewaySchema(stationSchema(z.unknown()));
type Root = z.output<typeof rootSchema>;

/** Checks an opened file and gives what it says, with defaults. Throws `CONFIG_INVALID` with every problem in it. */
export function readGatewayConfig(reader: ConfigReader, drivers: readonly AnyDriver[]): GatewayConfig {
  const root = reader.parse(rootSchema, []);
  const { sensors, metrics } = readCalibrations(reader, readSensors(reader, drivers), checkMetrics(reader));
  checkStations(reader, sensors, metrics);
  checkForwarders(reader);
  const quality = readQuality(reader, sensors, metrics);
  const alarms = {
    alarms: readAlarms(reader, knownStations(reader, sensors, quality), metrics),
    actuators: readActuators(reader),
    buttons: readButtons(reader),
  };
  checkPlaces(reader, sensors.flat());
  reader.throwIfInvalid();
  assert(root !== undefined, 'what does not parse has a problem');
  return {
    file: reader.file,
    gateway: root.gateway,
    stations: root.stations.map((station, index) => stationOf(station, sensors[index] ?? [], quality[index] ?? {})),
    metrics,
    store: storeOf(root.store),
    forward: Object.entries(root.forward).map(([name, keys]) => forwarderOf(name, keys)),
    ...alarms,
    logLevel: root.log_level,
  };
}

function stationOf(
  station: Root['stations'][number],
  sensors: readonly SensorRead[],
  quality: StationRules,
): StationConfig {
  return {
    name: station.name,
    everyMs: station.every,
    location: locationOf(station.location),
    sensors: sensors.map((sensor): SensorConfig => {
      const { path: _, everyMs = station.every, ...rest } = sensor;
      return { ...rest, everyMs };
    }),
    quality,
  };
}

function locationOf(location: Root['stations'][number]['location']): Location | 'gps' | undefined {
  if (location === undefined || location === 'gps') return location;
  const { lat, lon, alt } = location;
  return alt === undefined ? { lat, lon } : { lat, lon, alt };
}

function storeOf({ path, budget, overflow, linger }: Root['store']): StoreConfig {
  return { path, budgetBytes: budget, overflow, lingerMs: linger };
}

function forwarderOf(name: string, { mqtt, udp, backlog_rate }: Root['forward'][string]): ForwarderConfig {
  const named = { name, backlogBytesPerSecond: backlog_rate };
  if (mqtt !== undefined) return { ...named, kind: 'mqtt', mqtt: brokerClientOf(mqtt) };
  assert(udp !== undefined, 'a forwarder without a transport is a problem');
  const { host, port, key } = udp;
  return { ...named, kind: 'udp', udp: { host, port, keyFile: key } };
}
