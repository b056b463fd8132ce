import type { GpioEdge } from '../../../drivers/driver.ts';

/** A chip as this kernel numbers it now: good until the next look. */
export interface ChipLine {
  readonly chip: string;
  readonly offset: number;
}

export interface MonitorSettings {
  readonly bias: 'up' | 'down' | 'none';
}

/** An edge as gpiomon tells it. */
export interface StampedEdge {
  readonly level: GpioEdge['level'];
  /** On the kernel's monotonic clock; on kernels before 5.7 on its wall clock. */
  readonly stampMs: number;
}

/** What `gpioinfo` says of a line. */
export interface LineInfo extends ChipLine {
  readonly name?: string;
  /** Who has it: a program, a driver of the kernel. Left out: nobody, it can be had. */
  readonly usedBy?: string;
}

/** Arguments and output of libgpiod's tools, which are others in version 1 and 2. */
export interface GpiodDialect {
  /** The major version. */
  readonly version: 1 | 2;
  /** One line of `gpioinfo`, without the chip, which stands above. Undefined where it is no line's. */
  parseInfo(text: string): Omit<LineInfo, 'chip'> | undefined;
  /** Arguments of `gpioset`: sets the level, and holds it until the process is killed. */
  hold(line: ChipLine, level: 0 | 1): readonly string[];
  /** Arguments of `gpioset`: sets the level, and ends with status 0, or says what is wrong. */
  setOnce(line: ChipLine, level: 0 | 1): readonly string[];
  /** Arguments of `gpiomon`: a line of text an edge, at once. */
  monitor(line: ChipLine, settings: MonitorSettings): readonly string[];
  /** A line of text of `gpiomon`. Undefined where it is no edge. */
  parseEdge(text: string): StampedEdge | undefined;
}

/** Version 1, of Debian 11 and 12. Source: what `--help` of 1.6.3 says, and what it printed for simulated chips. */
const first: GpiodDialect = {
  version: 1,
  parseInfo(text) {
    const match = /^\s*line\s+(\d+):\s+(?:"(.*?)"|unnamed)\s+(?:"(.*?)"|unused|kernel)\s+(?:input|output)\s(.*)$/.exec(
      text,
    );
    if (match === null) return undefined;
    const [, offset, name, consumer, rest = ''] = match;
    const usedBy = /\[used\b/.test(rest) ? (consumer ?? 'the kernel') : undefined;
    return infoOf(Number(offset), name, usedBy);
  },
  // At the end of its standard input it ends by itself, and the kernel takes the line back.
  hold: ({ chip, offset }, level) => ['--mode=wait', chip, `${offset}=${level}`],
  setOnce: ({ chip, offset }, level) => ['--mode=exit', chip, `${offset}=${level}`],
  monitor: ({ chip, offset }, { bias }) => [
    '--line-buffered',
    '--format=%e %s %n',
    ...(bias === 'none' ? [] : [`--bias=pull-${bias}`]),
    chip,
    String(offset),
  ],
  parseEdge(text) {
    const match = /^([01]) (\d+) (\d{1,9})$/.exec(text);
    if (match === null) return undefined;
    return { level: match[1] === '1' ? 1 : 0, stampMs: Number(match[2]) * 1000 + Number(match[3]) / 1e6 };
  },
};

/**
 * Version 2, of Debian 13. Source: what `--help` of 2.2.1 says, and what it printed for simulated chips. Debian builds
 * gpioset without `--interactive`, so that it is not used; and the kernel's debouncing (`--debounce-period`) would stamp an
 * edge when it is settled, later than version 1 does.
 */
const second: GpiodDialect = {
  version: 2,
  parseInfo(text) {
    const match = /^\s*line\s+(\d+):\s+(?:"(.*?)"|unnamed)\s+(?:input|output)\b(.*)$/.exec(text);
    if (match === null) return undefined;
    const [, offset, name, rest = ''] = match;
    const consumer = /\sconsumer="(.*)"/.exec(rest)?.[1];
    return infoOf(Number(offset), name, consumer ?? (/\sused\b/.test(rest) ? 'the kernel' : undefined));
  },
  hold: ({ chip, offset }, level) => ['--consumer', CONSUMER, '--chip', chip, `${offset}=${level}`],
  setOnce: ({ chip, offset }, level) => ['--toggle', '0', '--consumer', CONSUMER, '--chip', chip, `${offset}=${level}`],
  monitor: ({ chip, offset }, { bias }) => [
    '--event-clock',
    'monotonic',
    '--edges',
    'both',
    '--format',
    '%e %S',
    ...(bias === 'none' ? [] : ['--bias', `pull-${bias}`]),
    '--consumer',
    CONSUMER,
    '--chip',
    chip,
    String(offset),
  ],
  parseEdge(text) {
    const match = /^([12]) (\d+\.\d+)$/.exec(text);
    if (match === null) return undefined;
    return { level: match[1] === '1' ? 1 : 0, stampMs: Number(match[2]) * 1000 };
  },
};

/** The name that `gpioinfo` shows others for a line of ours; version 1 has no way to give one. */
const CONSUMER = 'mooring';

function infoOf(offset: number, name: string | undefined, usedBy: string | undefined): Omit<LineInfo, 'chip'> {
  return { offset, ...(name === undefined ? {} : { name }), ...(usedBy === undefined ? {} : { usedBy }) };
}

/** The dialect of a major version. */
export function dialectOf(version: 1 | 2): GpiodDialect {
  return version === 1 ? first : second;
}

/** The dialect of the tools that print this for `--version`. Undefined where it is not one of the two that we speak. */
export function dialectFor(versionText: string): GpiodDialect | undefined {
  const major = /\(libgpiod\) v?(\d+)\./.exec(versionText)?.[1];
  return major === '1' ? first : major === '2' ? second : undefined;
}

/** A chip of `gpiodetect`. */
export interface ChipInfo {
  readonly chip: string;
  readonly label: string;
}

/** What `gpiodetect` prints; the same in both versions. */
export function parseChips(text: string): ChipInfo[] {
  return [...text.matchAll(/^(gpiochip\d+) \[(.*)\] \(\d+ lines?\)$/gm)].map(([, chip = '', label = '']) => ({
    chip,
    label,
  }));
}

/** What `gpioinfo` prints. */
export function parseInfos(dialect: GpiodDialect, text: string): LineInfo[] {
  const lines: LineInfo[] = [];
  let chip: string | undefined;
  for (const row of text.split('\n')) {
    chip = /^(gpiochip\d+) - \d+ lines?:$/.exec(row)?.[1] ?? chip;
    const info = dialect.parseInfo(row);
    if (info !== undefined && chip !== undefined) lines.push({ chip, ...info });
  }
  return lines;
}
