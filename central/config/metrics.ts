import { z } from 'zod';
import type { Path } from '../../runtime/config/document.ts';
import type { ConfigReader } from '../../runtime/config/reader.ts';
import { filePath, isLoopback, type ListenAddress, listenAddress } from '../../runtime/config/values.ts';

/** Where Prometheus and health checks ask. */
export interface MetricsConfig {
  readonly listen: ListenAddress;
  /** File with the token that `/metrics` asks for. */
  readonly tokenFile: string | undefined;
  /** File with the names of gateways that ought to be heard. */
  readonly gatewaysFile: string | undefined;
}

/** `metrics`. */
export const metricsSchema = z.strictObject({
  listen: listenAddress()
    .describe('The address of `/metrics`, `/healthz` and `/readyz`, `127.0.0.1:9464`; beyond loopback it wants `token`')
    .meta({ hint: 'Write host and port: 127.0.0.1:9464.' }),
  token: filePath()
    .optional()
    .describe('File with the token that `/metrics` asks for in its first line, as `Authorization: Bearer`'),
  gateways: filePath()
    .optional()
    .describe(
      'File with names of gateways that ought to be heard, one a line, read again when it changes; those with a UDP key are known anyway',
    ),
});

export function metricsOf({ listen, token, gateways }: z.output<typeof metricsSchema>): MetricsConfig {
  return { listen, tokenFile: token, gatewaysFile: gateways };
}

/** Reports metrics that everybody on the network could read. */
export function checkMetrics(reader: ConfigReader): void {
  checkListenWithToken(reader, ['metrics']);
}

/** Reports a `listen` beyond loopback without a `token` beside it. */
export function checkListenWithToken(reader: ConfigReader, path: Path): void {
  const keys = reader.mappingAt(path);
  if (keys === undefined || Object.hasOwn(keys, 'token')) return;
  const listen = listenAddress().safeParse(keys.listen);
  if (!listen.success || isLoopback(listen.data)) return;
  const hint = 'Add `token`, the name of a file with a secret in its first line, or listen on 127.0.0.1.';
  reader.report([...path, 'listen'], 'value', 'can be reached from other machines without `token`', hint);
}
