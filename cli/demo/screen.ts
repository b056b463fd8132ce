import type { EventEmitter } from 'node:events';
import type { DemoSnapshot } from './view.ts';
import { frameOf, plainLinesOf } from './view.ts';

/** Where a demo shows what goes on. */
export interface DemoView extends Disposable {
  /** How often it wants a new snapshot, in milliseconds. */
  readonly everyMs: number;
  show(snapshot: DemoSnapshot): void;
}

/** The part of standard output that the live view needs. */
export interface Terminal extends Pick<EventEmitter, 'on' | 'off'> {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

// xterm's control sequences: ctlseqs, "CSI ? Pm h" and "CSI Ps J/K".
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[2J';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';
const COLUMNS = 80;
const ROWS = 24;

/**
 * Draws on the terminal's alternate screen, cursor hidden, and gives the terminal back as it was: when it is disposed of,
 * and when the process ends otherwise, a crash included.
 */
export function openScreen(terminal: Terminal, exits: Pick<EventEmitter, 'on' | 'off'>): DemoView {
  let snapshot: DemoSnapshot | undefined;
  const draw = (): void => {
    if (snapshot === undefined) return;
    // A terminal that does not know its size says 0.
    const columns = terminal.columns || COLUMNS;
    const rows = terminal.rows || ROWS;
    // One line less than there are: a line break on the last one would scroll.
    const lines = frameOf(snapshot, columns, Math.max(1, rows - 1));
    terminal.write(`${HOME}${lines.map((line) => `${line}${CLEAR_LINE}\r\n`).join('')}${CLEAR_BELOW}`);
  };
  const leave = (): void => void terminal.write(LEAVE);
  exits.on('exit', leave);
  terminal.on('resize', draw);
  terminal.write(ENTER);
  return {
    everyMs: 500,
    show: (next) => {
      snapshot = next;
      draw();
    },
    [Symbol.dispose]: () => {
      terminal.off('resize', draw);
      exits.off('exit', leave);
      leave();
    },
  };
}

/** Prints a few lines a second, for a log. */
export function openPlainView(out: { write(text: string): unknown }): DemoView {
  return {
    everyMs: 1000,
    show: (snapshot) =>
      void out.write(
        plainLinesOf(snapshot)
          .map((line) => `${line}\n`)
          .join(''),
      ),
    [Symbol.dispose]: () => undefined,
  };
}
