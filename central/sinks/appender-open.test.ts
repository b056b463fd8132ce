import { expect, test } from 'vitest';
import type { RunId } from '../../protocol/ids.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { lines, linesOn, never, ROOT, RUNS, setUp, stateOn } from '../../test/conformance/appender.ts';
import { span } from '../../test/conformance/entries.ts';
import { Died, PowerCutDisk } from '../../test/conformance/power-cut-disk.ts';
import { LogLines } from '../../test/log-lines.ts';

test('a state that was tampered with, or is gone while the files are not, is refused', async () => {
  const { appender, append, disk } = setUp();
  await appender.open(never);
  await append([lines(RUNS[0] as RunId, 1, 3, 'x.txt')]);
  await appender.close();
  const path = `${ROOT}/.mooring/state.json`;
  const text = Buffer.from((await disk.read(path)) as Uint8Array).toString('utf8');
  const damages = [text.replace('[[1,3]]', '[[1,9]]'), text.slice(0, -2), '', `${text}\n`, 'x\n', '{}\n{}\n'];
  for (const damaged of damages) {
    await disk.writeFrom(path, 0, Buffer.from(damaged));
    await expect(setUp(disk).appender.open(never), JSON.stringify(damaged)).rejects.toMatchObject({
      code: 'SINK_STATE_DAMAGED',
      hint: expect.stringContaining('Move the whole folder aside'),
    });
  }
  await disk.remove(path);
  await expect(setUp(disk).appender.open(never)).rejects.toMatchObject({ code: 'SINK_STATE_DAMAGED' });
});

test('what was committed after a state that somebody has put back is kept aside, and said', async () => {
  const run = RUNS[0] as RunId;
  const { appender, append, disk } = setUp();
  await appender.open(never);
  await append([lines(run, 1, 3, 'a/x.txt')]);
  const path = `${ROOT}/.mooring/state.json`;
  const older = (await disk.read(path)) as Uint8Array;
  await append([lines(run, 4, 6, 'a/x.txt')]);
  await appender.close();
  await disk.writeFrom(path, 0, older);

  const said = new LogLines();
  const again = setUp(disk, said);
  await again.appender.open(never);
  const aside = 'cut/a/x.txt.78-156';
  expect(disk.files(`${ROOT}/.mooring`).get(aside)).toBe([4, 5, 6].map((sequence) => `${run}/${sequence}\n`).join(''));
  expect(said.said[0]).toBe('warn: put aside what the state does not know');
  expect(said.fields[0]).toEqual({ file: 'a/x.txt', bytes: 78, aside: `${ROOT}/.mooring/${aside}` });
  await again.append([lines(run, 1, 5, 'a/x.txt')]);
  expect(linesOn(disk)).toHaveLength(5);
  await again.appender.close();
});

test('what was put aside survives a loss of power at any step of the start that cuts it off', async () => {
  const run = RUNS[0] as RunId;
  for (let steps = 0; steps < 40; steps += 1) {
    const disk = new PowerCutDisk(new SeededRandom(steps));
    const { appender, append } = setUp(disk);
    await appender.open(never);
    await append([lines(run, 1, 3, 'a/x.txt')]);
    const older = (await disk.read(`${ROOT}/.mooring/state.json`)) as Uint8Array;
    await append([lines(run, 4, 6, 'a/x.txt')]);
    await appender.close();
    await disk.writeFrom(`${ROOT}/.mooring/state.json`, 0, older);
    Object.assign(disk.fate, { end: 'power', steps });
    await setUp(disk)
      .appender.open(never)
      .catch(() => expect(disk.isDead).toBe(true));
    disk.restart();
    await setUp(disk).appender.open(never);
    const text = [...disk.files(ROOT)].filter(([path]) => path.includes('x.txt')).flatMap(([, each]) => each);
    for (const sequence of [4, 5, 6]) expect(text.join('')).toContain(`${run}/${sequence}\n`);
  }
});

test('a file that is shorter than what is committed is refused, one that was removed begins anew', async () => {
  const { appender, append, disk } = setUp();
  await appender.open(never);
  const run = RUNS[0] as RunId;
  await append([lines(run, 1, 3, 'x.txt'), lines(run, 4, 6, 'y.txt')]);
  await disk.remove(`${ROOT}/x.txt`);
  await append([lines(run, 7, 7, 'x.txt')]);
  expect(disk.files(ROOT).get('x.txt')).toBe(`${run}/7\n`);

  await disk.writeFrom(`${ROOT}/y.txt`, 10, Buffer.alloc(0));
  await expect(append([lines(run, 8, 8, 'y.txt')])).rejects.toMatchObject({ code: 'SINK_STATE_DAMAGED' });
  await appender.close();
  await expect(setUp(disk).appender.open(never)).rejects.toMatchObject({
    code: 'SINK_STATE_DAMAGED',
    context: { path: `${ROOT}/y.txt` },
  });
});

test('a removed file that is written again survives a kill at any step', async () => {
  for (let steps = 0; steps < 30; steps += 1) {
    const disk = new PowerCutDisk(new SeededRandom(steps));
    const { appender, append } = setUp(disk);
    await appender.open(never);
    const run = RUNS[0] as RunId;
    await append([lines(run, 1, 3, 'x.txt')]);
    await disk.remove(`${ROOT}/x.txt`);
    await disk.syncFolder(ROOT);
    Object.assign(disk.fate, { end: 'power', steps });
    await append([lines(run, 4, 4, 'x.txt')]).catch((error: unknown) => expect(error).toBeInstanceOf(Died));
    disk.restart();
    const again = setUp(disk);
    await again.appender.open(never);
    await again.append([lines(run, 4, 4, 'x.txt')]);
    expect(linesOn(disk)).toEqual([`${run}/4`]);
    expect(again.appender.committed(run).count).toBe(4);
  }
});

test('a mount that cannot do what a commit needs is refused with the step that failed; a full disk only for now', async () => {
  const unfit = (change: Partial<PowerCutDisk>) => setUp(Object.assign(new PowerCutDisk(new SeededRandom(1)), change));
  const fails = (code: string) => async () => {
    throw Object.assign(new Error(code), { code, syscall: 'x' });
  };
  const changes: [string, string, Partial<PowerCutDisk>][] = [
    ['fsync of a folder', 'SINK_MOUNT_UNFIT', { syncFolder: fails('EINVAL') }],
    ['rename', 'SINK_MOUNT_UNFIT', { rename: fails('EPERM') }],
    ['write and fsync', 'SINK_MOUNT_UNFIT', { writeFrom: fails('EIO') }],
    ['write and fsync', 'SINK_FAILED', { writeFrom: fails('ENOSPC') }],
    ['make a folder', 'SINK_MOUNT_UNFIT', { makeFolder: fails('EROFS') }],
    ['read back', 'SINK_MOUNT_UNFIT', { read: async () => Buffer.from('moor') }],
    [
      'lock',
      'SINK_MOUNT_UNFIT',
      {
        lock: async () => {
          throw new Error('ENOLCK');
        },
      },
    ],
  ];
  for (const [step, code, change] of changes) {
    await expect(unfit(change).appender.open(never), step).rejects.toMatchObject({ code, context: { step } });
  }
});

test('a second writer stands by until the first is gone, or until it is told to stop', async () => {
  const { appender, append, disk } = setUp();
  await appender.open(never);
  await append([lines(RUNS[0] as RunId, 1, 3, 'x.txt')]);

  const stopped = setUp(disk);
  const stop = new AbortController();
  const stopping = stopped.appender.open(stop.signal);
  await stopped.clock.advance(5000);
  stop.abort(new Error('enough'));
  await expect(stopping).rejects.toThrow('enough');

  const second = setUp(disk);
  let isOpen = false;
  const opening = second.appender.open(never).then(() => {
    isOpen = true;
  });
  await second.clock.advance(5000);
  expect(isOpen).toBe(false);
  await appender.close();
  await second.clock.advance(500);
  await opening;
  expect(second.appender.committed(RUNS[0] as RunId).ranges()).toEqual([[1, 3]]);
});

test('a writer whose lock file was removed writes nothing more, whether or not there is a successor', async () => {
  const run = RUNS[0] as RunId;
  const { appender, append, disk } = setUp();
  await appender.open(never);
  await append([lines(run, 1, 3, 'x.txt')]);
  await disk.remove(`${ROOT}/.mooring/lock`);
  await expect(append([lines(run, 4, 6, 'x.txt')])).rejects.toMatchObject({
    code: 'SINK_FAILED',
    hint: expect.stringContaining('Restart'),
  });
  const second = setUp(disk);
  await second.appender.open(never);
  await second.append([lines(run, 4, 6, 'x.txt')]);
  await expect(append([lines(run, 4, 9, 'x.txt')])).rejects.toMatchObject({ code: 'SINK_FAILED' });
  await appender.close();
  await second.append([lines(run, 7, 9, 'x.txt')]);
  expect(linesOn(disk)).toEqual(span(1, 9).map((sequence) => `${run}/${sequence}`));
  await second.appender.close();
});

test('a commit during which the lock is lost is not confirmed', async () => {
  const run = RUNS[0] as RunId;
  const disk = new PowerCutDisk(new SeededRandom(1));
  const { appender, append } = setUp(disk);
  await appender.open(never);
  await append([lines(run, 1, 3, 'x.txt')]);
  const writeFrom = disk.writeFrom.bind(disk);
  disk.writeFrom = async (path, from, data) => {
    await writeFrom(path, from, data);
    if (path.endsWith('x.txt')) await disk.remove(`${ROOT}/.mooring/lock`);
  };
  await expect(append([lines(run, 4, 6, 'x.txt')])).rejects.toMatchObject({ code: 'SINK_FAILED' });
  expect(stateOn(disk).runs).toEqual({ [run]: [[1, 3]] });
  await appender.close();
});

test('where a mount has come back, the lock is taken again, unless another process has written meanwhile', async () => {
  const run = RUNS[0] as RunId;
  for (const isChanged of [false, true]) {
    const disk = new PowerCutDisk(new SeededRandom(1));
    let isGone = false;
    const lockOf = disk.lock.bind(disk);
    disk.lock = async (path) => ({ ...(await lockOf(path)), state: async () => (isGone ? 'gone' : 'held') });
    const { appender, clock } = setUp(disk);
    const append = async (first: number, last: number): Promise<number> => {
      const appended = appender.append([lines(run, first, last, 'x.txt')]);
      appended.catch(() => undefined);
      await clock.advance(1000);
      return await appended;
    };
    await appender.open(never);
    await append(1, 3);
    await disk.remove(`${ROOT}/.mooring/lock`);
    if (isChanged) {
      const other = setUp(disk);
      await other.appender.open(never);
      await other.append([lines(run, 4, 4, 'x.txt')]);
      await other.appender.close();
      isGone = true;
      await expect(append(4, 6)).rejects.toMatchObject({ code: 'SINK_FAILED' });
      expect(linesOn(disk)).toHaveLength(4);
    } else {
      isGone = true;
      disk.lock = lockOf;
      expect(await append(3, 6)).toBe(3);
      expect(linesOn(disk)).toHaveLength(6);
    }
  }
});

test('one whose lock another has had meanwhile writes nothing more, though it has the lock again', async () => {
  const run = RUNS[0] as RunId;
  for (const hasWritten of [false, true]) {
    const disk = new PowerCutDisk(new SeededRandom(1));
    const lockOf = disk.lock.bind(disk);
    disk.lock = async (path) => ({ ...(await lockOf(path)), state: async () => 'held' });
    const { appender, append } = setUp(disk);
    await appender.open(never);
    await append([lines(run, 1, 3, 'x.txt')]);
    await disk.remove(`${ROOT}/.mooring/lock`);
    disk.lock = lockOf;
    const writeFrom = disk.writeFrom.bind(disk);
    disk.writeFrom = async (path, from, data) => {
      await writeFrom(path, from, data);
      if (!path.endsWith('x.txt')) return;
      disk.writeFrom = writeFrom;
      // In the middle of the commit: it has cut off the half of it, which nobody has confirmed.
      const other = setUp(disk);
      await other.appender.open(never);
      if (hasWritten) await other.append([lines(run, 7, 7, 'x.txt')]);
      await other.appender.close();
    };
    await expect(append([lines(run, 4, 6, 'x.txt')])).rejects.toMatchObject({ code: 'SINK_FAILED' });
    await expect(append([lines(run, 4, 6, 'x.txt')])).rejects.toMatchObject({ code: 'SINK_FAILED' });
    await appender.close();
    expect(linesOn(disk)).toEqual([1, 2, 3, ...(hasWritten ? [7] : [])].map((sequence) => `${run}/${sequence}`));
  }
});
