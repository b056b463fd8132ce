import type { z } from 'zod';
import type { BrokerClientConfig } from '../../../runtime/config/broker.ts';
import type { ListenAddress } from '../../../runtime/config/values.ts';
import type { registriesSchema, sourcesSchema } from './schema.ts';
import type { ForeignConfig, MqttWayConfig, RegistryConfig, SourceConfig } from './types.ts';

type SourceKeys = z.output<typeof sourcesSchema>[string];
type Registries = z.output<typeof registriesSchema>;

interface ForeignKeys {
  readonly sources?: z.output<typeof sourcesSchema> | undefined;
  readonly registries?: Registries | undefined;
  /** `kafka.prefix`. */
  readonly prefix: string;
  readonly broker: BrokerClientConfig | undefined;
  readonly httpListen: ListenAddress | undefined;
}

/** Undefined where there is no source. */
export function foreignOf(keys: ForeignKeys): ForeignConfig | undefined {
  const { prefix, broker, httpListen, registries = {} } = keys;
  const sources = Object.entries(keys.sources ?? {}).map(([name, source]) => sourceOf(name, source, prefix));
  if (sources.length === 0) return undefined;
  return {
    sources,
    registries: Object.entries(registries).map(([name, { file, key, tags, site, location }]): RegistryConfig => {
      return { name, file, key, tags, site, location };
    }),
    broker: sources.some(({ mqtt }) => mqtt !== undefined) ? broker : undefined,
    httpListen: sources.some(({ http }) => http !== undefined) ? httpListen : undefined,
  };
}

function sourceOf(name: string, keys: SourceKeys, prefix: string): SourceConfig {
  const { format, zone, lenient, split, mapping, registry, merge_uplinks, dedupe, kafka, http, reply } = keys;
  const { udp, tcp, seal } = keys;
  return {
    name,
    format,
    zone,
    lenient,
    split: split ?? false,
    mapping,
    registry,
    mergeUplinksMs: merge_uplinks,
    dedupeMs: dedupe,
    mqtt: mqttOf(name, keys, prefix),
    kafka,
    udp: udp && { listen: udp.listen, datagramBytesMax: udp.max, isReplying: reply?.udp ?? false },
    tcp: tcp && {
      listen: tcp.listen,
      lineBytesMax: tcp.max,
      idleMs: tcp.idle,
      connectionsPerAddressMax: tcp.connections,
      isReplying: reply?.tcp ?? false,
    },
    sealKeyFile: seal?.key,
    http: http && { path: http.path, tokenFile: http.token, isReplying: reply?.http ?? false },
  };
}

function mqttOf(name: string, { mqtt, reply }: SourceKeys, prefix: string): MqttWayConfig | undefined {
  if (mqtt === undefined) return undefined;
  const { topics, window, client_id } = mqtt;
  const form = reply?.legacy ?? 'json';
  return {
    topics,
    window,
    clientId: client_id ?? `${prefix}-${name}`,
    reply: reply?.mqtt === undefined ? undefined : { topic: reply.mqtt, form },
  };
}
