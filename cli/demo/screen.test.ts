import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { openPlainView, openScreen, type Terminal } from './screen.ts';
import type { DemoSnapshot } from './view.ts';

const snapshot: DemoSnapshot = {
  gateway: 'demo',
  stations: [{ name: 'buoy' }, { name: 'city' }],
  link: { url: 'mqtt://127.0.0.1:1', up: true, acksPerSecond: 2 },
  buffer: { pending: 0, records: 1, bytes: 0, bytesMax: 1 },
  centre: { stored: 1, rejected: 0 },
  paths: { store: 's', records: 'r', acks: 'a' },
};
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';

class FakeTerminal extends EventEmitter implements Terminal {
  columns = 80;
  rows = 24;
  written = '';
  write(text: string): void {
    this.written += text;
  }
}

test('the terminal is given back as it was, and its listeners are gone', () => {
  const terminal = new FakeTerminal();
  const exits = new EventEmitter();
  const view = openScreen(terminal, exits);
  view.show(snapshot);
  view[Symbol.dispose]();
  expect(terminal.written.startsWith(ENTER)).toBe(true);
  expect(terminal.written.endsWith(LEAVE)).toBe(true);
  expect([terminal.eventNames(), exits.eventNames()]).toEqual([[], []]);
});

test('the terminal is given back when the process ends without a word', () => {
  const terminal = new FakeTerminal();
  const exits = new EventEmitter();
  openScreen(terminal, exits).show(snapshot);
  exits.emit('exit');
  expect(terminal.written.endsWith(LEAVE)).toBe(true);
});

test('a smaller window is drawn anew at once, in the lines and columns that it has', () => {
  const terminal = new FakeTerminal();
  const view = openScreen(terminal, new EventEmitter());
  terminal.emit('resize');
  view.show(snapshot);
  terminal.written = '';
  Object.assign(terminal, { rows: 4, columns: 12 });
  terminal.emit('resize');
  const lines = terminal.written.split('\r\n');
  expect(lines).toHaveLength(4);
  expect(terminal.written).toContain('Ctrl-C ends…');
});

test('a terminal that does not know its size is drawn on as one of 80 columns', () => {
  const terminal = Object.assign(new FakeTerminal(), { columns: 0, rows: 0 });
  openScreen(terminal, new EventEmitter()).show(snapshot);
  expect(terminal.written).toContain('mooring demo · gateway demo');
});

test('the plain view prints lines and no control characters', () => {
  let text = '';
  openPlainView({ write: (part) => (text += part) }).show(snapshot);
  expect(text).toBe('link=up acks_per_second=2.0 pending=0 kept=1 stored_since_start=1\n');
});
