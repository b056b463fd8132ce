import { type JsonSchema, jsonSchemaOf } from '../../runtime/config/json-schema.ts';
import { centralSchema } from './schema.ts';

/** The JSON Schema of `central.yaml`. */
export function centralJsonSchema(): JsonSchema {
  return jsonSchemaOf(centralSchema, 'Mooring: the centre');
}
