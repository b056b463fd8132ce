import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../../runtime/clock.ts';
import { makeCertificates } from '../../../test/certificates.ts';
import { HttpStore } from './http-store.ts';

test('a wrong `ca` is told by its name, and read anew by the next try once it is the right one', {
  tags: ['openssl'],
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-http-tls-'));
  const { ca, broker } = await makeCertificates(join(folder, 'right'), 'plaka');
  const stranger = await makeCertificates(join(folder, 'wrong'), 'plaka');
  const certificate = { cert: readFileSync(broker.cert), key: readFileSync(broker.key) };
  const server = createServer(certificate, (_, response) => void response.end('yes'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const caFile = join(folder, 'ca.pem');
  copyFileSync(stranger.ca, caFile);
  const { port } = server.address() as AddressInfo;
  const store = new HttpStore({ name: 'wide', url: `https://127.0.0.1:${port}`, caFile, clock: systemClock });
  try {
    for (const _ of [1, 2]) {
      await expect(store.ask({ method: 'GET', path: '/' })).rejects.toMatchObject({
        code: 'SINK_FAILED',
        hint: expect.stringContaining('`ca`'),
      });
    }
    copyFileSync(ca, caFile);
    expect(await store.ask({ method: 'GET', path: '/' })).toEqual({ status: 200, body: 'yes' });
  } finally {
    await store.close();
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  }
});
