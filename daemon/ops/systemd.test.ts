import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { silentLog } from '../../runtime/log.ts';
import { errno, libcFunction } from '../../runtime/native.ts';
import { sendUnixDatagram } from '../../runtime/unix-datagram.ts';
import { SystemdNotifier, systemdEnvironmentOf } from './systemd.ts';

/** A real datagram socket, as systemd has one: Node cannot open these, the C library can. */
function receiver(path: string): { next(): string; close(): void } {
  const socket = libcFunction('int socket(int domain, int type, int protocol)') as (...p: number[]) => number;
  const bind = libcFunction('int bind(int fd, const void *address, uint32_t length)') as (...p: unknown[]) => number;
  const recv = libcFunction('long recv(int fd, _Out_ uint8_t *data, size_t length, int flags)') as (
    ...p: unknown[]
  ) => number;
  const close = libcFunction('int close(int fd)') as (fd: number) => number;
  const descriptor = socket(1, 2, 0);
  const name = Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : path);
  const address = Buffer.concat([Buffer.from([1, 0]), name]);
  if (bind(descriptor, address, address.length) !== 0) throw new Error(`bind: errno ${errno()}`);
  const MSG_DONTWAIT = 0x40;
  return {
    next() {
      const data = Buffer.alloc(4096);
      const length = recv(descriptor, data, data.length, MSG_DONTWAIT);
      return length < 0 ? '' : data.toString('utf8', 0, length);
    },
    close: () => void close(descriptor),
  };
}

test('READY, STATUS, WATCHDOG and STOPPING reach a real notification socket in a folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-notify-'));
  const path = join(folder, 'notify');
  const systemd = receiver(path);
  const notifier = new SystemdNotifier({ notifySocket: path }, sendUnixDatagram, silentLog);
  notifier.ready();
  expect(systemd.next()).toBe('READY=1');
  notifier.status('3 pending');
  expect(systemd.next()).toBe('STATUS=3 pending');
  notifier.status('3 pending');
  expect(systemd.next()).toBe('');
  notifier.alive();
  expect(systemd.next()).toBe('WATCHDOG=1');
  notifier.stopping();
  expect(systemd.next()).toBe('STOPPING=1');
  systemd.close();
  rmSync(folder, { recursive: true });
});

test('an abstract notification socket works too', () => {
  const path = `@mooring-test-${process.pid}`;
  const systemd = receiver(path);
  new SystemdNotifier({ notifySocket: path }, sendUnixDatagram, silentLog).ready();
  expect(systemd.next()).toBe('READY=1');
  systemd.close();
});

test('without systemd nothing is sent, and a socket that is gone stops nothing', () => {
  let sent = 0;
  new SystemdNotifier({}, () => (sent += 1), silentLog).ready();
  expect(sent).toBe(0);
  const warnings: object[] = [];
  const log = { ...silentLog, warn: (fields: object) => warnings.push(fields) };
  const notifier = new SystemdNotifier({ notifySocket: '/nowhere/notify' }, sendUnixDatagram, log);
  notifier.ready();
  notifier.alive();
  expect(warnings).toHaveLength(1);
});

test('the environment says where to notify, and how often the watchdog wants to hear from this very process', () => {
  const env = { NOTIFY_SOCKET: '/run/systemd/notify', WATCHDOG_USEC: '30000000' };
  expect(systemdEnvironmentOf(env, 7)).toEqual({ notifySocket: '/run/systemd/notify', watchdogMs: 30_000 });
  expect(systemdEnvironmentOf({ ...env, WATCHDOG_PID: '7' }, 7)).toHaveProperty('watchdogMs', 30_000);
  expect(systemdEnvironmentOf({ ...env, WATCHDOG_PID: '8' }, 7)).not.toHaveProperty('watchdogMs');
  expect(systemdEnvironmentOf({ NOTIFY_SOCKET: '', WATCHDOG_USEC: 'soon' }, 7)).toEqual({});
});
