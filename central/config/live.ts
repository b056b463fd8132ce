import { z } from 'zod';
import type { ConfigReader } from '../../runtime/config/reader.ts';
import { choice, duration, filePath, type ListenAddress, listenAddress, size } from '../../runtime/config/values.ts';
import { checkListenWithToken } from './metrics.ts';

/** Where whoever wants to see records as they come listens. */
export interface LiveConfig {
  readonly listen: ListenAddress;
  /** File with the token that clients show. */
  readonly tokenFile: string | undefined;
  /** How long messages are kept for whoever connects. */
  readonly historyMs: number;
  /** That may wait for one client. */
  readonly queueBytes: number;
  /** Pages of other origins that may listen. */
  readonly origins: readonly string[];
  /** Paths and messages of an existing feed, beside our own. */
  readonly legacy: 'ntua' | undefined;
}

const ORIGIN = /^https?:\/\/[^/?#\s]+$/;
const ORIGINS_MAX = 32;

/** `live`. */
export const liveSchema = z.strictObject({
  listen: listenAddress()
    .describe('The address of the live feed, `127.0.0.1:8081`; beyond loopback it wants `token`')
    .meta({ hint: 'Write host and port: 127.0.0.1:8081.' }),
  token: filePath()
    .optional()
    .describe('File with the token that clients show in its first line, as `Authorization: Bearer` or as a cookie'),
  history: duration({ min: '0s', max: '1h' })
    .prefault('5m')
    .describe('How long messages are kept for whoever connects, as far as 16 MiB hold them'),
  queue: size({ min: '16KiB', max: '64MiB' })
    .prefault('256KiB')
    .describe('Bytes that may wait for one client, once in its connection and once behind it; it loses what is beyond'),
  origins: z
    .array(
      z
        .string()
        .regex(ORIGIN, { error: 'is not an origin' })
        .meta({ hint: 'Write https://HOST or https://HOST:PORT.' }),
    )
    .max(ORIGINS_MAX)
    .prefault([])
    .describe('Pages of other origins that may listen, `https://grafana.example`; left out: none'),
  legacy: choice(['ntua'])
    .optional()
    .describe('Also the paths and messages of an existing feed: `ntua`, a building with its own charts'),
});

export function liveOf(keys: z.output<typeof liveSchema>): LiveConfig {
  const { listen, token, history, queue, origins, legacy } = keys;
  return { listen, tokenFile: token, historyMs: history, queueBytes: queue, origins, legacy };
}

/** Reports a live feed that everybody on the network could read. */
export function checkLive(reader: ConfigReader): void {
  checkListenWithToken(reader, ['live']);
}
