import { expect, it } from 'vitest';
import { MooringError } from './errors.ts';
import { createLog } from './log.ts';

/** A descriptor of which a test decides how many bytes it takes at once; none: it throws, as a full disk does. */
function disk(): { takes: number; text: string; lines: () => Record<string, unknown>[]; write: () => number } {
  const self = {
    takes: Number.POSITIVE_INFINITY,
    text: '',
    lines: () =>
      self.text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    write: (_?: number, bytes: Uint8Array = new Uint8Array()): number => {
      if (self.takes === 0) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
      const taken = bytes.subarray(0, self.takes);
      self.text += Buffer.from(taken).toString('latin1');
      return taken.length;
    },
  };
  return self;
}

it('goes on when the disk is full, keeps what lines it can, and says how many it could not', () => {
  const full = disk();
  const log = createLog('info', 1, full.write);
  log.info({ line: 0 }, 'before');
  full.takes = 0;
  for (let line = 1; line <= 2000; line += 1) log.info({ line }, 'meanwhile');
  log.fatal({ line: 2001 }, 'meanwhile');
  expect(full.lines()).toHaveLength(1);
  full.takes = Number.POSITIVE_INFINITY;
  log.info({ line: 2002 }, 'after');
  log.info({ line: 2003 }, 'after');
  const told = full.lines().find(({ msg }) => typeof msg === 'string' && msg.startsWith('lines of the log were lost'));
  const kept = full.lines().filter(({ line }) => line !== undefined);
  expect(kept.length).toBeGreaterThan(500);
  expect(told).toMatchObject({ count: 2004 - kept.length });
  expect(kept.at(-1)).toMatchObject({ line: 2003 });
  expect(full.lines()).toHaveLength(kept.length + 1);
});

it('is whole though the descriptor takes a few bytes at a time', () => {
  const slow = disk();
  slow.takes = 7;
  const log = createLog('info', 1, slow.write);
  for (let line = 0; line < 20; line += 1) log.info({ line }, 'slowly');
  expect(slow.lines().map(({ line }) => line)).toEqual(Array.from({ length: 20 }, (_, line) => line));
});

it('says of an operating error what it is about and what to do, and of a bug also where it is', () => {
  const open = disk();
  const log = createLog('info', 1, open.write);
  const cause = new MooringError('LINK_DOWN', 'no answer', { cause: new Error('ECONNREFUSED') });
  log.warn(
    { err: new MooringError('LOG_FAILED', 'kept nothing', { cause, hint: 'Wait.', context: { sink: 'a' } }) },
    'x',
  );
  log.error({ err: new TypeError('a bug') }, 'y');
  const [operating, bug] = open.lines();
  expect(operating?.err).toEqual({
    code: 'LOG_FAILED',
    message: 'kept nothing',
    hint: 'Wait.',
    context: { sink: 'a' },
    cause: { code: 'LINK_DOWN', message: 'no answer', cause: 'ECONNREFUSED' },
  });
  expect(bug?.err).toMatchObject({ type: 'TypeError', message: 'a bug', stack: expect.stringContaining('log.test') });
});
