import { z } from 'zod';
import { NAME_PATTERN } from '../../protocol/record.ts';
import { brokerClientNote, loginShape, tlsShape } from '../../runtime/config/broker.ts';
import { brokerUrl, choice, filePath, listenAddress, pattern, size } from '../../runtime/config/values.ts';
import { LOG_LEVELS } from '../../runtime/log.ts';
import { dailyAt } from './daily.ts';
import { kafkaSchema } from './kafka.ts';
import { liveSchema } from './live.ts';
import { metricsSchema } from './metrics.ts';
import { httpIngestSchema, registriesSchema, roleSchema, sourcesSchema } from './sources/schema.ts';
import { STORE_KINDS, storeShape } from './stores/stores.ts';
import { udpSchema } from './udp.ts';

const sinkName = () =>
  pattern(
    NAME_PATTERN,
    'the name of a sink',
    'A name has 1 to 63 of a-z, 0-9, dot, underscore, hyphen, and begins with a letter or digit.',
  );

const mqttSchema = z
  .strictObject({
    url: brokerUrl().optional().describe('A broker to connect to, `mqtt://HOST:PORT` or `mqtts://HOST:PORT` (TLS)'),
    listen: listenAddress()
      .optional()
      .describe('Or: carry the embedded broker, at this address; beyond loopback it wants `ca`, `cert` and `key`'),
    ...tlsShape,
    crl: filePath()
      .optional()
      .describe(
        'With `listen`: file with certificates that were taken back, PEM; it and the other three are read again when they change',
      ),
    ...loginShape,
    share: pattern(
      NAME_PATTERN,
      'the name of a shared subscription',
      'A name has 1 to 63 of a-z, 0-9, dot, underscore, hyphen, and begins with a letter or digit.',
    )
      .optional()
      .describe(
        'With `url`: copies of the centre that say the same name divide the batches; the broker has to know `$share`',
      ),
  })
  .meta({
    oneOf: [{ required: ['url'] }, { required: ['listen'] }],
    dependentRequired: { ...brokerClientNote.dependentRequired, crl: ['listen', 'ca'] },
  });

const ingestSchema = z
  .strictObject({
    mqtt: mqttSchema.optional().describe('From gateways, over MQTT 3.1.1'),
    udp: udpSchema.optional().describe('From gateways, over UDP; beside MQTT or alone'),
    intake: size({ min: '64KiB', max: '4GiB' })
      .prefault('16MiB')
      .describe(
        'Bytes of batches that may wait here, which take some four times as much memory; beyond that, gateways are told to come back later',
      ),
    http: httpIngestSchema.optional().describe('From existing devices: where `sources` with `http` are posted to'),
  })
  .meta({ anyOf: [{ required: ['mqtt'] }, { required: ['udp'] }, { required: ['http'] }] });

const filesSchema = z.strictObject({
  path: filePath().describe('Folder; one writer at a time'),
  format: choice(['ndjson', 'parquet', 'both'])
    .prefault('ndjson')
    .describe(
      'How records are written: `parquet` makes that of each hour that is over, and `both` keeps the NDJSON too',
    ),
  layout: choice(['date', 'user'])
    .prefault('date')
    .describe(
      'Folders by event date, `yyyy/mm/dd/HH.ndjson`; `user`: below `user/NAME/`, as the registry or the gateway has it',
    ),
  manifests: z
    .boolean()
    .optional()
    .describe('Whether the folder of each day that is over gets a `manifest.json`: files, sums, sequences'),
});

const ackLogSchema = z.strictObject({
  path: filePath().describe('File; one acknowledged id a line, each once'),
});

/** Kinds of sinks that write to a path of this machine. */
export const PATH_SINK_KINDS = ['files', 'ack_log'] as const;
/** Kinds of sinks: a sink has exactly one of these keys. */
export const SINK_KINDS = [...PATH_SINK_KINDS, ...STORE_KINDS] as const;

const sinkSchema = z
  .strictObject({
    files: filesSchema.optional().describe('Records as files on a disk or a mount'),
    ack_log: ackLogSchema.optional().describe('What was acknowledged, as a text file; it follows the other sinks'),
    ...storeShape,
  })
  .meta({
    oneOf: SINK_KINDS.map((kind) => ({ required: [kind] })),
    dependentRequired: { password: ['user'] },
    // HDFS takes a user's word for who it is.
    anyOf: [{ required: ['hdfs'] }, { dependentRequired: { user: ['password'] } }],
  });

/** The whole file. */
export const centralSchema = z
  .strictObject({
    ingest: ingestSchema
      .optional()
      .describe('Where records come from; with `kafka` it may be left out: a centre of sinks alone'),
    sources: sourcesSchema
      .optional()
      .describe('Existing devices, by a name that becomes `gateway`: what they say and how it comes; needs `kafka`'),
    registries: registriesSchema.optional().describe('What is known of existing devices beside what they say, by name'),
    role: roleSchema
      .optional()
      .describe('`bridge`: hears `sources` alone, and no gateway; left out: whatever stands in this file'),
    kafka: kafkaSchema.optional().describe('Kafka between ingest and sinks; left out: straight to the sinks'),
    ack: z
      .array(sinkName())
      .min(1)
      .optional()
      .describe(
        'What must have a record before it is acknowledged: `[kafka]`, as when it is left out, or names of sinks; without `kafka` every sink but `ack_log`',
      ),
    sinks: z
      .record(sinkName(), sinkSchema)
      .optional()
      .describe('Where records go, by name; with `kafka` they may be left out: a centre of ingest alone'),
    state: filePath().describe(
      'Folder for what the centre keeps beside its sinks: the dead letter; with `kafka`, what it knows of the topics',
    ),
    log_level: choice(LOG_LEVELS).prefault('info').describe('The least important lines that are logged'),
    daily_at: dailyAt(),
    metrics: metricsSchema.optional().describe('Metrics for Prometheus, and health checks'),
    live: liveSchema.optional().describe('Records as they come, over a WebSocket'),
  })
  .meta({
    anyOf: [
      { required: ['ingest', 'sinks'] },
      { required: ['kafka', 'ingest'] },
      { required: ['kafka', 'sinks'] },
      { required: ['kafka', 'sources'] },
    ],
    dependentRequired: { sources: ['kafka'], role: ['sources'] },
  });
