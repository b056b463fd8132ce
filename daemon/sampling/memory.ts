import { join } from 'node:path';
import type { SensorMemory } from '../../drivers/driver.ts';
import type { JsonValue } from '../../protocol/record.ts';
import type { Log } from '../../runtime/log.ts';
import { StateFile } from '../../runtime/state-file.ts';

/** Where sensors keep what is to survive a restart, by station and sensor. */
export type MemoryOf = (station: string, sensor: string, log: Log) => SensorMemory;

/** A file a sensor, in one folder. */
export function filesIn(folder: string): MemoryOf {
  return (station, sensor, log) => {
    const file = new StateFile<JsonValue>(join(folder, `${station}.${sensor}.json`));
    return {
      load: async () => await loaded(file, log),
      save: async (value) => await file.save(value),
    };
  };
}

/** The same files, for a look that changes nothing. */
export function readOnly(memoryOf: MemoryOf): MemoryOf {
  return (station, sensor, log) => ({
    load: async () => await memoryOf(station, sensor, log).load(),
    save: async () => await Promise.resolve(),
  });
}

/** A damaged file is no reason not to measure. */
async function loaded(file: StateFile<JsonValue>, log: Log): Promise<JsonValue | undefined> {
  try {
    return await file.load();
  } catch (err) {
    log.warn({ err, path: file.path }, 'what a sensor kept is lost');
    return undefined;
  }
}

/** Sensors that have nowhere to keep anything. */
export const keepsNothing: MemoryOf = () => ({
  load: async () => await Promise.resolve(undefined),
  save: async () => await Promise.resolve(),
});
