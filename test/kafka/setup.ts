/** Vitest's global set-up: one Kafka for all tests that need just any, started with the first that asks (`shared.ts`). */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { Programs } from '../processes.ts';
import { KafkaBroker } from './broker.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Port on which the address of the shared Kafka is to be had. */
    sharedKafkaPort: number;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-kafka-'));
  const programs = new Programs();
  let address: Promise<string> | undefined;
  const start = async (): Promise<string> => {
    const broker = await KafkaBroker.prepare({ folder, programs });
    await broker.start();
    return broker.address;
  };
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    address ??= start();
    address.then(
      (text) => socket.end(JSON.stringify({ address: text })),
      (error: unknown) => socket.end(JSON.stringify({ failure: (error as Error).message })),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  project.provide('sharedKafkaPort', (server.address() as AddressInfo).port);
  return async () => {
    server.close();
    await programs.end();
    rmSync(folder, { recursive: true, force: true });
  };
}
