import { expect, it } from 'vitest';
import type { ClockState, Info } from '../../protocol/record.ts';
import { silentLog } from '../../runtime/log.ts';
import { ClockWatch } from './clock-watch.ts';

it('says once that the clock is trusted otherwise, or that labels have stepped by more than a second', () => {
  let state: ClockState = 'unsynced';
  let offset = 0;
  const source = {
    state: () => state,
    offsetMs: () => offset,
    label: () => ({ timestampMs: 0, clock: state }),
    heardUtc: () => undefined,
  };
  const said: Info[] = [];
  const watch = new ClockWatch(source, silentLog, (info) => said.push(info));
  watch.look();
  offset = 900;
  watch.look();
  expect(said).toEqual([]);
  offset = 86_400_000;
  state = 'synced';
  watch.look();
  watch.look();
  expect(said).toEqual([{ event: 'clock', from: 'unsynced', to: 'synced', step_ms: 86_400_000 }]);
  offset -= 5000;
  watch.look();
  expect(said[1]).toEqual({ event: 'clock', from: 'synced', to: 'synced', step_ms: -5000 });
});
