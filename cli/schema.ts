import { centralJsonSchema } from '../central/config/json-schema.ts';
import { gatewayJsonSchema } from '../daemon/config/json-schema.ts';
import { DRIVERS } from '../drivers/index.ts';

/** `mooring schema`: prints the JSON Schema of a configuration, for editors. Returns the exit status. */
export function runSchema(kind: 'gateway' | 'central', out: { write(text: string): unknown }): number {
  const schema = kind === 'gateway' ? gatewayJsonSchema(DRIVERS) : centralJsonSchema();
  out.write(`${JSON.stringify(schema, null, 2)}\n`);
  return 0;
}
