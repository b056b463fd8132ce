import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MooringError } from '../../runtime/errors.ts';
import { silentLog } from '../../runtime/log.ts';
import { ControlSocket } from './control-socket.ts';

let folder: string;
let path: string;
let control: ControlSocket;
let answered = 0;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-control-'));
  path = join(folder, 'store.db.sock');
  writeFileSync(path, 'left behind by a crash');
  control = new ControlSocket(
    path,
    {
      status: () => ({ pending: 3 }),
      everything: () => {
        answered += 1;
        return { text: 'x'.repeat(4000) };
      },
      read: () => {
        throw new MooringError('SENSOR_FAILED', 'the sensor does not answer', { hint: 'Check its wiring.' });
      },
    },
    silentLog,
  );
  await control.open();
});

afterEach(async () => {
  await control.close();
  rmSync(folder, { recursive: true });
});

function ask(...lines: string[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let text = '';
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      text += chunk;
      const answers = text.split('\n').slice(0, -1);
      if (answers.length === lines.length) {
        socket.destroy();
        resolve(answers);
      }
    });
    socket.write(`${lines.join('\n')}\n`);
  });
}

test('a dead socket file is replaced by one that its group may use', () => {
  const stat = statSync(path);
  expect(stat.isSocket()).toBe(true);
  expect(stat.mode & 0o777).toBe(0o660);
});

test('requests are answered in order, one line each', async () => {
  const answers = await ask('{"verb":"status"}', '{"verb":"read"}');
  expect(answers.map((answer) => JSON.parse(answer))).toEqual([
    { ok: true, pending: 3 },
    { ok: false, error: { code: 'SENSOR_FAILED', message: 'the sensor does not answer', hint: 'Check its wiring.' } },
  ]);
});

test('an unknown verb, a line that is no JSON and an inherited name are refused without harm', async () => {
  const answers = await ask('{"verb":"reboot"}', 'hello', 'null', '{"verb":"toString"}', '{"verb":"status"}');
  expect(answers.map((answer) => JSON.parse(answer).ok)).toEqual([false, false, false, false, true]);
});

test('a client that asks and never reads is answered no more than it has room for', async () => {
  answered = 0;
  const socket = connect(path);
  socket.pause();
  const requests = '{"verb":"everything"}\n'.repeat(3000);
  await new Promise<void>((resolve) => socket.write(requests, () => resolve()));
  // Whatever was asked before this is answered, or waits for room.
  for (let round = 0; round < 20; round += 1) await ask('{"verb":"status"}');
  expect(answered).toBeLessThan(1000);
  await new Promise<void>((resolve) => {
    let lines = 0;
    socket.on('data', (chunk: Buffer) => {
      for (const byte of chunk) if (byte === 10) lines += 1;
      if (lines === 3000) resolve();
    });
    socket.resume();
  });
  expect(answered).toBe(3000);
  socket.destroy();
});

test('a line that is too long ends the conversation, finished or not', async () => {
  for (const text of ['x'.repeat(5000), `${'x'.repeat(5000)}\n{"verb":"status"}\n`]) {
    const heard = await new Promise<string>((resolve, reject) => {
      const socket = connect(path);
      let answer = '';
      socket.on('error', reject);
      socket.on('data', (chunk) => {
        answer += chunk;
      });
      socket.on('close', () => resolve(answer));
      socket.write(text);
    });
    expect(heard).toBe('');
  }
  expect(await ask('{"verb":"status"}')).toHaveLength(1);
});
