import { expect, test } from 'vitest';
import { configInvalid } from '../runtime/config/problem.ts';
import { MooringError } from '../runtime/errors.ts';
import { linesOf, operatingErrorOf, statusOf } from './failure.ts';

test('an operating error is one line: what, where, why, and what to do', () => {
  const error = new MooringError('LOCK_FAILED', 'the lock file cannot be opened', {
    cause: new Error('EACCES:\npermission denied'),
    context: { path: '/var/lib/x.lock', stack: { not: 'shown' } },
    hint: 'Check that this user may write there.',
  });
  expect(linesOf(error)).toBe(
    'mooring: the lock file cannot be opened (path: /var/lib/x.lock): EACCES: permission denied. Check that this user may write there.\n',
  );
});

test('a held lock is not told twice, a lock that fails is told with its reason', () => {
  const linesWith = (code: 'LOCK_HELD' | 'LOCK_FAILED'): string =>
    linesOf(new MooringError('STORE_IN_USE', 'the store is open', { cause: new MooringError(code, 'no lock') }));
  expect(linesWith('LOCK_HELD')).toBe('mooring: the store is open.\n');
  expect(linesWith('LOCK_FAILED')).toBe('mooring: the store is open: no lock.\n');
});

test('a bug that ended another thread shows its stack', () => {
  const cause = new TypeError('undefined is not a function');
  const lines = linesOf(new MooringError('STORE_FAILED', 'the thread has died', { cause })).split('\n');
  expect(lines[0]).toBe('mooring: the thread has died: undefined is not a function.');
  expect(lines.slice(1).join('\n')).toBe(`${cause.stack}\n`);
});

test('a configuration gets every problem, one a line', () => {
  const problem = { file: 'x.yaml', column: 1, key: 'a', message: 'is wrong', hint: '' };
  const error = configInvalid('x.yaml', [
    { ...problem, line: 2 },
    { ...problem, line: 1, hint: 'Mend it.' },
  ]);
  expect(linesOf(error)).toBe('x.yaml:1:1 a: is wrong. Mend it.\nx.yaml:2:1 a: is wrong.\n');
});

test('a configuration that names what cannot be used, as a broken certificate, is one line too', () => {
  const error = new MooringError('CONFIG_INVALID', 'the certificate cannot be used', { context: { path: 'c.pem' } });
  expect(linesOf(error)).toBe('mooring: the certificate cannot be used (path: c.pem).\n');
});

test.each([
  ['CONFIG_INVALID', 2],
  ['CONFIG_UNREADABLE', 2],
  ['STORE_OTHER_GATEWAY', 2],
  ['STORE_IN_USE', 3],
  ['LOCK_HELD', 3],
  ['STORE_DAMAGED', 1],
  ['SOCKET_FAILED', 1],
] as const)('%s ends a verb with status %i', (code, status) => {
  expect(statusOf(new MooringError(code, 'x'))).toBe(status);
});

test('what went wrong first is told, though closing went wrong too; a bug stays a bug', () => {
  const first = new MooringError('STORE_FAILED', 'first');
  expect(operatingErrorOf(new SuppressedError(new MooringError('STORE_CLOSED', 'then'), first))).toBe(first);
  expect(operatingErrorOf(new SuppressedError(first, new TypeError('bug')))).toBeUndefined();
  expect(operatingErrorOf(new TypeError('bug'))).toBeUndefined();
});

test('that no gateway is running has a status of its own', () => {
  expect(statusOf(new MooringError('NOT_RUNNING', 'no gateway is running'))).toBe(4);
});
