import { readCentralConfig } from '../central/config/config.ts';
import type { CentralConfig } from '../central/config/types.ts';
import { readGatewayConfig } from '../daemon/config/read.ts';
import type { GatewayConfig } from '../daemon/config/types.ts';
import { DRIVERS } from '../drivers/index.ts';
import { ConfigReader } from '../runtime/config/reader.ts';

/** Whose configuration a file is by the keys that only one of them has: one, both or none. */
export function kindsOf({ data }: ConfigReader): { readonly isGateway: boolean; readonly isCentral: boolean } {
  const has = (key: string): boolean => Object.hasOwn(data, key);
  return { isGateway: has('gateway') || has('stations'), isCentral: has('ingest') || has('sinks') || has('kafka') };
}

/** A gateway's configuration. Throws `CONFIG_INVALID`, one problem where it is a centre's, and `CONFIG_UNREADABLE`. */
export function gatewayConfigOf(path: string): GatewayConfig {
  const reader = new ConfigReader(path);
  const { isGateway, isCentral } = kindsOf(reader);
  if (isCentral && !isGateway) refuse(reader, "a centre's", 'central');
  return readGatewayConfig(reader, DRIVERS);
}

/** A centre's configuration. Throws `CONFIG_INVALID`, one problem where it is a gateway's, and `CONFIG_UNREADABLE`. */
export function centralConfigOf(path: string): CentralConfig {
  const reader = new ConfigReader(path);
  const { isGateway, isCentral } = kindsOf(reader);
  if (isGateway && !isCentral) refuse(reader, "a gateway's", 'run');
  return readCentralConfig(reader);
}

function refuse(reader: ConfigReader, whose: string, verb: string): void {
  reader.report([], 'value', `is ${whose} configuration`, `Run: \`mooring ${verb} -c ${reader.file}\`.`);
  reader.throwIfInvalid();
}
