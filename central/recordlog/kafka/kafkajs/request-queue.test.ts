import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { mendRequestQueue } from './request-queue.ts';

interface Queue {
  throttleCheckTimeoutId: unknown;
  readonly pending: unknown[];
  checkPendingRequests(): void;
  destroy(): void;
}

test('a queue of kafkajs in which nothing waits sets no timer, and one in which something waits does', () => {
  mendRequestQueue();
  mendRequestQueue();
  const require = createRequire(import.meta.url);
  const RequestQueue = require('kafkajs/src/network/requestQueue') as new (options: object) => Queue;
  const queue = new RequestQueue({ maxInFlightRequests: 0 });
  queue.checkPendingRequests();
  expect(queue.throttleCheckTimeoutId ?? null).toBeNull();
  queue.pending.push({});
  queue.checkPendingRequests();
  expect(queue.throttleCheckTimeoutId ?? null).not.toBeNull();
  queue.destroy();
});
