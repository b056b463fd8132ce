/** A process that is busy looks at its socket and its timers only now and then: that is no queue on the way. */
import { expect, it } from 'vitest';
import { numbered, UdpEnds } from '../../test/protocol/udp-ends.ts';
import type { CentreSessions } from './centre-sessions.ts';
import type { GatewaySession } from './gateway-session.ts';

type End = Pick<GatewaySession, 'tick' | 'nextDueMs'>;

/** One end in a process whose turns take some time: what comes meanwhile waits for the next, and so do timers. */
class BusyProcess {
  readonly #end: End;
  readonly #ends: UdpEnds;
  readonly #turnMs: number;
  #waiting: (() => void)[] = [];
  #untilMs = 0;

  constructor(end: End, ends: UdpEnds, turnMs: number) {
    this.#end = end;
    this.#ends = ends;
    this.#turnMs = turnMs;
    ends.world.remove(end);
    ends.world.add(this);
  }

  arrived(take: () => void): void {
    this.#waiting.push(take);
  }

  tick(nowMs: number): void {
    if (this.nextDueMs() > nowMs) return;
    this.#untilMs = nowMs + this.#turnMs * (0.5 + this.#ends.random.uniform());
    for (const take of this.#waiting.splice(0)) take();
    this.#end.tick(nowMs);
  }

  nextDueMs(): number {
    const dueMs = this.#waiting.length > 0 ? this.#untilMs : this.#end.nextDueMs();
    return Math.max(dueMs, this.#untilMs);
  }
}

it.each([
  { gatewayMs: 15, centreMs: 5 },
  { gatewayMs: 30, centreMs: 10 },
])('fills half of the way although turns take $gatewayMs ms at one end and $centreMs ms at the other', (turns) => {
  const bytesPerSecond = 240_000;
  const ends: UdpEnds = new UdpEnds(1, { delayMs: 1, bytesPerSecond }, () => undefined);
  const { world, centre } = ends;
  let taken = 0;
  const feed = (): void => {
    while (session.canSend && session.pending < 64) session.send(numbered(taken, 1000), ends.nowMs);
  };
  const session: GatewaySession = ends.addGateway('plaka', {
    onUp: () => feed(),
    onTaken: () => {
      taken += 1;
      feed();
    },
  });
  const [here, there] = [
    new BusyProcess(session, ends, turns.gatewayMs),
    new BusyProcess(centre, ends, turns.centreMs),
  ];
  const receiveHere = (bytes: Uint8Array): void => here.arrived(() => session.receive(bytes, ends.nowMs));
  ends.gateways.set('plaka', { receive: receiveHere } as unknown as GatewaySession);
  const receiveThere = (bytes: Uint8Array, from: string): undefined => {
    there.arrived(() => centre.receive(bytes, from, ends.nowMs));
  };
  ends.centre = { receive: receiveThere } as unknown as CentreSessions<string>;
  world.run(5000);
  const before = taken;
  world.run(10_000);
  expect((taken - before) * 1000).toBeGreaterThan(0.5 * 10 * bytesPerSecond);
  expect(session.counters.retransmitted).toBeLessThan(taken / 100);
});
