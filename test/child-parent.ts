/** A parent that starts a child, tells its number, and does nothing more. */
import { ChildProcessCalls } from '../daemon/buses/child/calls.ts';
import { systemClock } from '../runtime/clock.ts';

const calls = new ChildProcessCalls({ program: new URL('./child-program.ts', import.meta.url), clock: systemClock });
calls.start();
await calls.call({ ask: 'echo', value: 1 });
console.log(JSON.stringify({ msg: 'started', pid: calls.pid }));
setInterval(() => undefined, 60_000);
