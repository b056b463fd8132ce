import { z } from 'zod';
import { filePath, listenAddress } from '../../runtime/config/values.ts';
import type { UdpIngestConfig } from './types.ts';

/** `ingest.udp`. Any address will do, without TLS: every datagram is sealed with a key that both ends have. */
export const udpSchema = z.strictObject({
  listen: listenAddress()
    .describe('The address that gateways send to, `127.0.0.1:20100`; every datagram is sealed')
    .meta({ hint: 'Write host and port: 0.0.0.0:20100.' }),
  keys: filePath().describe(
    'Folder with one `<gateway>.key` for each gateway: 32 bytes in hex, mode 0600; read again when it changes',
  ),
});

export function udpOf({ listen, keys }: z.output<typeof udpSchema>): UdpIngestConfig {
  return { listen, keysDir: keys };
}
