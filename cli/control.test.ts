import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SteppedClock } from '../sim/clock.ts';
import { askGateway } from './control.ts';

test('where no gateway is running, how to start it is said', async () => {
  const path = join(tmpdir(), 'mooring-absent', 'store.db.sock');
  await expect(askGateway(path, 'status', new SteppedClock())).rejects.toMatchObject({
    code: 'NOT_RUNNING',
    context: { path },
    hint: 'Start it: `mooring run -c FILE`, with this configuration.',
  });
});
