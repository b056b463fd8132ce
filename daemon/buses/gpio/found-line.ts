/** Where a line is, on this kernel and until the next look: what a helper process needs to take it. */
export type FoundLine = GpiodLine | SysfsLine;

/** A line of a character device, reached through libgpiod's tools. */
export interface GpiodLine {
  readonly by: 'gpiod';
  /** Major version of the tools. */
  readonly version: 1 | 2;
  /** Where the tools are; left out: where `PATH` says. */
  readonly folder?: string;
  readonly chip: string;
  readonly offset: number;
}

/** A line of the kernel's older interface, reached through `onoff`. */
export interface SysfsLine {
  readonly by: 'sysfs';
  /** Folder of the interface, `/sys/class/gpio`. */
  readonly root: string;
  /** Base of its chip and offset. */
  readonly number: number;
  /** What to import for `onoff`. */
  readonly onoff: string;
}

/** A chip with its lines, for people. */
export interface GpioChip {
  /** `gpiochip0`; another one after the next start of the machine, perhaps. */
  readonly chip: string;
  readonly label: string;
  readonly lines: readonly GpioChipLine[];
}

export interface GpioChipLine {
  readonly offset: number;
  readonly name?: string;
  /** Who has it. */
  readonly usedBy?: string;
}
