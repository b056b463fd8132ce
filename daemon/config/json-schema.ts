import assert from 'node:assert/strict';
import { z } from 'zod';
import type { AnyDriver } from '../../drivers/driver.ts';
import { type JsonSchema, jsonSchemaOf } from '../../runtime/config/json-schema.ts';
import { shapeOf } from '../../runtime/config/schema-tree.ts';
import { gatewaySchema, sensorShape, stationSchema } from './schema.ts';

/** The keys of a sensor with this driver: those of every sensor, then the driver's own. */
export function sensorSchemaOf({ name, summary, options }: AnyDriver) {
  const own = shapeOf(options);
  assert(own !== undefined, `the options of driver ${name} are a mapping with fixed keys`);
  return z.strictObject({ ...sensorShape, driver: z.literal(name).describe(summary), ...own });
}

/** The whole file of a gateway that has these drivers. */
export function gatewaySchemaWith(drivers: readonly AnyDriver[]) {
  const [first, ...others] = drivers.map(sensorSchemaOf);
  assert(first !== undefined, 'there is a driver');
  return gatewaySchema(stationSchema(z.discriminatedUnion('driver', [first, ...others])));
}

/** The JSON Schema of `mooring.yaml`. */
export function gatewayJsonSchema(drivers: readonly AnyDriver[]): JsonSchema {
  return jsonSchemaOf(gatewaySchemaWith(drivers), 'Mooring: a gateway');
}
