import { createRequire } from 'node:module';

/** Of `kafkajs/src/network/requestQueue`, what is touched here. */
interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
}

let isMended = false;

/**
 * kafkajs 2.2.4 looks for waiting requests by a timer that sets itself anew for ever, a thousand times a second and
 * connection, and whose delay is negative where the broker does not throttle: Node 24 warns of that. Where none waits there
 * is nothing to look for: whoever comes to wait sets the timer. So the cause goes away, and no warning of anybody is hidden.
 */
export function mendRequestQueue(): void {
  if (isMended) return;
  isMended = true;
  const require = createRequire(import.meta.url);
  const { prototype } = require('kafkajs/src/network/requestQueue') as { prototype: RequestQueue };
  const schedule = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0) schedule.call(this);
  };
}
