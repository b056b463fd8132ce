import { z } from 'zod';
import { NAME_PATTERN } from '../../../protocol/record.ts';
import { choice, duration, filePath, listenAddress, pattern, size } from '../../../runtime/config/values.ts';
import { FORMAT_NAMES } from '../../formats/format.ts';

const NAME_HINT = 'A name has 1 to 63 of a-z, 0-9, dot, underscore, hyphen, and begins with a letter or digit.';
/** Kafka's own rule. */
const KAFKA_TOPIC = /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/;
const MQTT_TEXT = /^.{1,1024}$/;
/** MQTT 3.1.1 section 4.7: `#` last and alone in its level, `+` alone in its level. */
const MQTT_FILTER = /^(?!\$share\/)(?:(?:[^+#/]*|\+)\/)*(?:[^+#/]*|\+|#)$/;
const MQTT_TOPIC = /^[^+#]{1,1024}$/;
const CLIENT_ID = /^[\x21-\x7e]{1,128}$/;
const PATH = /^\/[A-Za-z0-9._~/-]{0,255}$/;

const mqttSchema = z.strictObject({
  topics: z
    .array(
      pattern(
        MQTT_FILTER,
        'a topic filter',
        'Write a topic; `+` stands for one level, `#` at the end for all below.',
      ).regex(MQTT_TEXT, { error: 'is not a topic filter' }),
    )
    .min(1)
    .describe('Topic filters, at the broker of `ingest.mqtt.url`; subscribed to with QoS 1'),
  window: z
    .int()
    .min(1)
    .max(10_000)
    .prefault(100)
    .describe('Messages that are read and not stored yet; no less than the broker sends at once'),
  client_id: pattern(CLIENT_ID, 'a client id', 'It has 1 to 128 printable characters, and no blank.')
    .optional()
    .describe(
      'Names the session that the broker keeps while the centre is away; left out: `PREFIX-SOURCE`. Copies that divide the topics of a source each have their own',
    ),
});

const kafkaSchema = z.strictObject({
  topics: z
    .array(pattern(KAFKA_TOPIC, 'the name of a topic', 'It has 1 to 249 of a-z, A-Z, 0-9, dot, underscore, hyphen.'))
    .min(1)
    .describe('Topics that others write to, at the brokers of `kafka`; copies of the centre divide their partitions'),
});

const udpSchema = z.strictObject({
  listen: listenAddress()
    .describe('The address that devices send datagrams to; anybody who reaches it is heard')
    .meta({ hint: 'Write host and port: 127.0.0.1:20001.' }),
  max: size({ min: '64B', max: '65507B' })
    .prefault('2KiB')
    .meta({ hint: 'Write a number and its unit: 2KiB; no datagram has more than 65507B.' })
    .describe('The longest datagram; a longer one is refused'),
});

const tcpSchema = z.strictObject({
  listen: listenAddress()
    .describe('The address that devices connect to, a message a line; anybody who reaches it is heard, unless `seal`')
    .meta({ hint: 'Write host and port: 127.0.0.1:20001.' }),
  max: size({ min: '64B', max: '1MiB' })
    .prefault('2KiB')
    .meta({ hint: 'Write a number and its unit: 2KiB.' })
    .describe('The longest line; a longer one is refused'),
  idle: duration({ min: '1s', max: '1d' }).prefault('10m').describe('How long a connection may say nothing'),
  connections: z
    .int()
    .min(1)
    .max(256)
    .prefault(16)
    .describe('Connections from one address; with more the oldest is closed, and beyond 256 in all'),
});

const sealSchema = z.strictObject({
  key: filePath().describe(
    'File with the key that whoever sends has, too: 32 bytes in hex, mode 0600. docs/formats.md has the bytes',
  ),
});

const httpSchema = z.strictObject({
  path: pattern(PATH, 'a path', 'Write it with a slash at its beginning: /stream.').describe(
    'What is posted to at `ingest.http`, `/stream`; of each source another',
  ),
  token: filePath()
    .optional()
    .describe('File with the token that a post has to show, in its first line, as `Authorization: Bearer`; mode 0600'),
});

const replySchema = z
  .strictObject({
    mqtt: pattern(MQTT_TOPIC, 'a topic', 'Write a topic without `+` and `#`.')
      .optional()
      .describe('Topic on which is said what became of each message, once the log has it'),
    udp: z.boolean().optional().describe('Whether the sender of a datagram is told'),
    tcp: z.boolean().optional().describe('Whether the sender of a line is told, in a line'),
    http: z.boolean().optional().describe('Whether the body of the answer says where the record is'),
    legacy: choice(['uuid']).optional().describe('With `mqtt`: nothing but the id of each record'),
  })
  .meta({ minProperties: 1, dependentRequired: { legacy: ['mqtt'] } });

/** Ways in: a source has at least one of these keys. */
export const WAYS = ['mqtt', 'kafka', 'udp', 'tcp', 'http'] as const;

const sourceSchema = z
  .strictObject({
    format: choice(FORMAT_NAMES).describe('What its messages are: docs/formats.md'),
    mqtt: mqttSchema.optional().describe('From a broker that runs elsewhere'),
    kafka: kafkaSchema.optional().describe('From topics of Kafka'),
    udp: udpSchema.optional().describe('Datagrams'),
    tcp: tcpSchema.optional().describe('Lines over connections'),
    seal: sealSchema
      .optional()
      .describe('With `udp` and `tcp`: each message has a sequence and is sealed with a key; others are refused'),
    http: httpSchema.optional().describe('Posts'),
    zone: z
      .string()
      .min(1)
      .max(64)
      .optional()
      .meta({ hint: 'Write a name of the IANA database: Europe/Athens.' })
      .describe('In which its times without an offset are read, `Europe/Athens`; left out: such times are refused'),
    lenient: choice(['python-repr']).optional().describe('With `flat-json`: also what Python prints of a dictionary'),
    split: z.boolean().optional().describe('With `senml`: a record for each time of a message'),
    mapping: filePath().optional().describe('With `mapping`: the file that declares it'),
    registry: pattern(NAME_PATTERN, 'the name of a registry', NAME_HINT)
      .optional()
      .describe('One of `registries`: what is known of its devices beside what they say'),
    merge_uplinks: duration({ min: '1s', max: '1h' })
      .optional()
      .describe('With `lorawan`: uplinks that say the same within this time are one'),
    dedupe: duration({ max: '24h' })
      .prefault('10m')
      .describe('A record that comes again within this time is not written again; 0s: it always is'),
    reply: replySchema.optional().describe('What devices are told of a message, once the log has it'),
  })
  .meta({ anyOf: WAYS.map((way) => ({ required: [way] })) });

/** `sources`. */
export const sourcesSchema = z.record(pattern(NAME_PATTERN, 'the name of a source', NAME_HINT), sourceSchema);

const column = () => z.string().min(1).max(256);

const registrySchema = z.strictObject({
  file: filePath().describe(
    'CSV whose first line names the columns, or JSON where it ends in `.json`; read again when it changes',
  ),
  key: column().describe('Column with the device’s own name for itself'),
  tags: z.array(column()).prefault([]).describe('Columns that go into `info.tags`'),
  site: column().optional().describe('Column that becomes the tag `site`'),
  location: z
    .strictObject({
      lat: column().describe('Column with degrees north'),
      lon: column().describe('Column with degrees east'),
      alt: column().optional().describe('Column with metres above the sea'),
    })
    .optional()
    .describe('Columns with the place; left out: `lat`, `lon` and `alt`, where the file has them'),
});

/** `registries`. */
export const registriesSchema = z.record(pattern(NAME_PATTERN, 'the name of a registry', NAME_HINT), registrySchema);

/** `ingest.http`. */
export const httpIngestSchema = z.strictObject({
  listen: listenAddress()
    .describe('The address that sources are posted to, `127.0.0.1:8080`; beyond loopback each source wants `token`')
    .meta({ hint: 'Write host and port: 127.0.0.1:8080.' }),
});

/** `role`. */
export const roleSchema = choice(['bridge']);
