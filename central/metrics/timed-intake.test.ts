import { expect, test } from 'vitest';
import { encodeAck } from '../../protocol/ack-codec.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { saltOf, tokenOf } from '../../test/batches.ts';
import type { BatchReceiver, Route } from '../ingest/ingest.ts';
import { TimedIntake } from './timed-intake.ts';

const ack = (batch: number, part: object) => encodeAck({ salt: saltOf(1), batch, token: tokenOf(batch), ...part });

test('a batch whose answer goes with that of others is heard and timed as one that has its own, and once', async () => {
  const clock = new SteppedClock();
  const routes: Route[] = [];
  const answers: ((ack: Uint8Array) => void)[] = [];
  const intake: BatchReceiver = {
    receive: (_, __, answer, route) => {
      answers.push(answer);
      if (route !== undefined) routes.push(route);
    },
  };
  const noted: unknown[] = [];
  const listener = {
    heard: (gateway: string, bytes: number) => void noted.push([gateway, bytes]),
    answered: (what: string, latencyMs: number) => void noted.push([what, latencyMs]),
    rejected: (code: string, records: number) => void noted.push([code, records]),
  };
  const sent: Uint8Array[] = [];
  const timed = new TimedIntake(intake, listener, clock);
  const way = {};
  for (const bytes of [10, 20])
    timed.receive('plaka', new Uint8Array(bytes), (bytes) => void sent.push(bytes), { way });
  await clock.advance(6000);
  // One ack for both, by the name of the second.
  routes[1]?.answerMany?.(ack(2, { held: { ranges: [[1, 2]], seconds: 600 } }));
  for (const { onHeld } of routes) onHeld?.();
  routes[1]?.answerMany?.(ack(2, { rejected: [{ code: 'sink:lake', ranges: [[1, 2]] }] }));
  answers[1]?.(ack(2, { stored: [[1, 1]] }));
  expect(routes.map((route) => route.way === way)).toEqual([true, true]);
  expect(sent).toHaveLength(3);
  expect(noted).toEqual([
    ['plaka', 10],
    ['held', 6000],
    ['plaka', 20],
    ['held', 6000],
    ['sink:lake', 2],
  ]);
});
