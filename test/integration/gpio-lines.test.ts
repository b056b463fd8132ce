import { afterEach, expect, test } from 'vitest';
import { type Gpio, gpioOf } from '../../daemon/buses/gpio/gpio.ts';
import type { GpioEdge, GpioInput, GpioInputSettings } from '../../drivers/driver.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { MooringError } from '../../runtime/errors.ts';
import { type Log, silentLog } from '../../runtime/log.ts';
import type { FakeOnoff } from '../fake-onoff.ts';
import { GpiodStage, type GpiodVersion, sysfsStage } from '../gpiod-stage.ts';
import { eventually } from '../processes.ts';

const { signal } = new AbortController();
/** Many times what it takes on a busy machine. */
const SOON_MS = 10_000;
/** What both tools print for an edge at this time of the kernel's clock. */
const edgeText = (version: GpiodVersion, level: 0 | 1, seconds: number): string =>
  version === '1.6.3' ? `${level} ${seconds} 250000000` : `${level === 1 ? 1 : 2} ${seconds}.250000000`;

let opened: Gpio[] = [];
afterEach(async () => {
  await Promise.all(opened.map((gpio) => gpio.close()));
  opened = [];
});

function gpioOn(places: Omit<Parameters<typeof gpioOf>[0], 'clock' | 'log'>, log: Log = silentLog): Gpio {
  const gpio = gpioOf({ clock: systemClock, log, ...places });
  opened.push(gpio);
  return gpio;
}

const onStage = ({ dev, sys, toolsFolder }: GpiodStage): Gpio => gpioOn({ dev, sys, toolsFolder });

const input = (gpio: Gpio, more: Partial<GpioInputSettings> = {}): GpioInput =>
  gpio.gpioInput({ line: 'GPIO23', bias: 'up', edge: 'both', debounceMs: 0, ...more });

const output = (gpio: Gpio, line: string, onFailure: (error: Error) => void = () => undefined) =>
  gpio.output({ line, active: 'high', safe: 'off', onFailure });

async function next(edges: AsyncIterator<GpioEdge>): Promise<GpioEdge> {
  const { value, done } = await edges.next();
  if (done === true) throw new Error('no edge came');
  return value;
}

const failure = (work: Promise<unknown>): Promise<MooringError> =>
  work.then(
    () => {
      throw new Error('it worked');
    },
    (error: MooringError) => error,
  );

test.each([
  ['1.6.3', 0, 'GPIO17'],
  ['1.6.3', 4, 'pinctrl-rp1/17'],
  ['2.2.1', 11, 'pinctrl-bcm2711/17'],
  ['2.2.1', 4, 'GPIO17'],
] as const)(
  'gpiod %s, chip %i: %s is driven, active low, and at its safe level when it is closed',
  async (version, chip, line) => {
    using stage = new GpiodStage(version, chip);
    const gpio = onStage(stage);
    const led = gpio.output({ line, active: 'low', safe: 'off', onFailure: () => undefined });
    await led.open(signal);
    expect(stage.levels(17)).toEqual([1]);
    led.play([], undefined);
    await eventually('on', SOON_MS, () => String(stage.levels(17)) === '1,0');
    led.rest();
    await eventually('off', SOON_MS, () => String(stage.levels(17)) === '1,0,1');
    led.play([], undefined);
    await led.close();
    expect(stage.levels(17).at(-1)).toBe(1);
    await eventually('the line is free', SOON_MS, () => !stage.isHeld(17));
  },
);

test.each(['1.6.3', '2.2.1'] as const)(
  'gpiod %s: edges have the time that the kernel gave them, on our clock',
  async (version) => {
    using stage = new GpiodStage(version, 11);
    const { dev, sys, toolsFolder } = stage;
    const gpio = gpioOn({ dev, sys, toolsFolder, kernelMs: () => 100_000 });
    const button = input(gpio);
    await button.open(signal);
    const edges = button.edges(signal)[Symbol.asyncIterator]();
    const beforeMs = systemClock.monotonicMs();
    stage.edge(23, edgeText(version, 0, 70), 'nonsense', edgeText(version, 1, 99), edgeText(version, 0, 1_700_000_000));
    const [first, second, third] = [await next(edges), await next(edges), await next(edges)];
    const afterMs = systemClock.monotonicMs();
    expect([first, second, third].map(({ level }) => level)).toEqual([0, 1, 0]);
    expect(first.atMs).toBeGreaterThanOrEqual(beforeMs - 29_750);
    expect(first.atMs).toBeLessThanOrEqual(afterMs - 29_750);
    expect(second.atMs - first.atMs).toBeGreaterThanOrEqual(29_000);
    // A stamp of the wall clock, as older kernels give, says nothing: it came when it came.
    expect(third.atMs).toBeGreaterThanOrEqual(beforeMs);
    expect(third.atMs).toBeLessThanOrEqual(afterMs);
    expect(stage.calls.at(-1)).toContain('pull-up');
    await button.close();
    await eventually('the line is free', SOON_MS, () => !stage.isHeld(23));
    expect((await edges.next()).done).toBe(true);
  },
);

test('only the edges that are asked for are told, and contacts that bounce are one', async () => {
  using stage = new GpiodStage('2.2.1', 0);
  const { dev, sys, toolsFolder } = stage;
  const gauge = input(gpioOn({ dev, sys, toolsFolder, kernelMs: () => 200_000 }), { edge: 'falling', debounceMs: 20 });
  await gauge.open(signal);
  stage.edge(
    23,
    '2 100.000000000',
    '1 100.001000000',
    '2 100.002000000',
    '1 100.100000000',
    '2 100.101000000',
    '1 100.102000000',
    '2 100.500000000',
  );
  const edges = gauge.edges(signal)[Symbol.asyncIterator]();
  const [first, second] = [await next(edges), await next(edges)];
  expect([first.level, second.level]).toEqual([0, 0]);
  expect(second.atMs - first.atMs).toBeGreaterThan(450);
  await gauge.close();
});

test('a listener that ends is a lost line, which can be opened again', async () => {
  using stage = new GpiodStage('1.6.3', 0);
  const button = input(onStage(stage));
  await button.open(signal);
  const edges = button.edges(signal)[Symbol.asyncIterator]();
  process.kill(stage.monitor(23), 'SIGKILL');
  await expect(edges.next()).rejects.toMatchObject({ code: 'PORT_LOST' });
  await button.open(signal);
  await button.close();
});

test('reading ends without an error when it is told to', async () => {
  using stage = new GpiodStage('2.2.1', 0);
  const button = input(onStage(stage));
  await button.open(signal);
  const reading = new AbortController();
  const edges = button.edges(reading.signal)[Symbol.asyncIterator]();
  const end = edges.next();
  reading.abort();
  expect((await end).done).toBe(true);
  await button.close();
});

test.each(['1.6.3', '2.2.1'] as const)('gpiod %s: what is wrong with a line is said in words', async (version) => {
  using stage = new GpiodStage(version, 4);
  const gpio = onStage(stage);
  const buzzer = output(gpio, 'GPIO17');
  await buzzer.open(signal);
  await eventually('held', SOON_MS, () => stage.isHeld(17));
  const busy = await failure(input(gpio, { line: 'GPIO17' }).open(signal));
  expect(busy).toMatchObject({ code: 'PORT_BUSY', context: { usedBy: version === '1.6.3' ? 'gpioset' : 'mooring' } });
  expect(await failure(output(gpio, 'pinctrl-rp1/17').open(signal))).toMatchObject({ code: 'PORT_BUSY' });
  expect(await failure(output(gpio, 'GPIO99').open(signal))).toMatchObject({ code: 'PORT_ABSENT' });
  expect(await failure(output(gpio, 'pinctrl-rp1/54').open(signal))).toMatchObject({
    code: 'PORT_ABSENT',
    context: { near: 'the chip has no line 54' },
  });
  expect(await failure(output(gpio, 'pinctrl-bcm2711/17').open(signal))).toMatchObject({
    code: 'PORT_ABSENT',
    context: { near: 'the chips are other-0, other-1, other-2, other-3, pinctrl-rp1' },
  });
  await buzzer.close();
  stage.deny();
  expect(await failure(buzzer.open(signal))).toMatchObject({ code: 'PORT_PERMISSION' });
});

test('words to the guard are in the pipe when play returns; what it cannot play it tells', async () => {
  using stage = new GpiodStage('2.2.1', 0);
  const failures: Error[] = [];
  const buzzer = output(onStage(stage), 'GPIO17', (error) => failures.push(error));
  buzzer.play([], undefined);
  expect(failures).toMatchObject([{ code: 'ACTUATOR_FAILED' }]);
  await buzzer.open(signal);
  buzzer.play([], undefined);
  // Nothing of this process runs until the line is on: the guard has all that it needs.
  const endMs = systemClock.monotonicMs() + SOON_MS;
  while (String(stage.levels(17)) !== '0,1' && systemClock.monotonicMs() < endMs);
  expect(stage.levels(17)).toEqual([0, 1]);
  await buzzer.close();
});

test('a gpioset that somebody kills is told, with the line at its safe level', async () => {
  using stage = new GpiodStage('2.2.1', 0);
  const failures: Error[] = [];
  const buzzer = output(onStage(stage), 'GPIO17', (error) => failures.push(error));
  await buzzer.open(signal);
  buzzer.play([], undefined);
  await eventually('on', SOON_MS, () => String(stage.levels(17)) === '0,1' && stage.isHeld(17));
  for (const pid of stage.holders(17)) process.kill(pid, 'SIGKILL');
  await eventually('told', SOON_MS, () => failures.length > 0);
  expect(failures).toMatchObject([{ code: 'ACTUATOR_FAILED' }]);
  expect(stage.levels(17)).toEqual([0, 1, 0]);
  await buzzer.open(signal);
  await buzzer.close();
});

test('chips and lines are listed with who has them', async () => {
  using stage = new GpiodStage('1.6.3', 11);
  const chips = await onStage(stage).listLines();
  expect(chips.map(({ chip }) => chip)).toEqual(Array.from({ length: 12 }, (_, number) => `gpiochip${number}`));
  expect(chips.at(-1)?.label).toBe('pinctrl-bcm2711');
  expect(chips.at(-1)?.lines).toHaveLength(54);
  expect(chips.at(-1)?.lines[17]).toEqual({ offset: 17, name: 'GPIO17' });
});

test.each([0, 399, 512])(
  'without the tools lines are those of the older interface, found by label (base %i)',
  async (base) => {
    using stage = sysfsStage(base);
    const warnings: string[] = [];
    const log: Log = { ...silentLog, warn: (_fields: object, message: string) => warnings.push(message) };
    const gpio = gpioOn(stage.places, log);
    const kernel = (await import(stage.places.onoff)) as FakeOnoff;

    const button = input(gpio, { bias: 'none' });
    await button.open(signal);
    const edges = button.edges(signal)[Symbol.asyncIterator]();
    kernel.tell(base + 23, 0);
    expect((await next(edges)).level).toBe(0);
    kernel.tell(base + 23, new Error('EIO'));
    await expect(edges.next()).rejects.toMatchObject({ code: 'PORT_LOST' });
    await button.close();

    const again = input(gpio, { line: 'pinctrl-bcm2711/4', bias: 'none' });
    await again.open(signal);
    expect(stage.exported()).toEqual([base + 4]);
    await again.close();
    expect(stage.exported()).toEqual([]);

    stage.take(base + 5);
    expect(await failure(input(gpio, { line: 'GPIO5', bias: 'none' }).open(signal))).toMatchObject({
      code: 'PORT_BUSY',
    });
    expect(await failure(output(gpio, 'SD CLK').open(signal))).toMatchObject({ code: 'PORT_ABSENT' });
    expect(await failure(output(gpio, 'pinctrl-bcm2711/58').open(signal))).toMatchObject({
      code: 'PORT_ABSENT',
    });
    expect(await failure(output(gpio, 'pinctrl-rp1/5').open(signal))).toMatchObject({ code: 'PORT_ABSENT' });
    expect((await gpio.listLines()).map(({ label, lines }) => [label, lines.length])).toEqual([
      ['pinctrl-bcm2711', 58],
      ['raspberrypi-exp-gpio', 8],
    ]);
    expect(warnings).toEqual(['GPIO goes through the older interface of the kernel, which newer kernels do not have']);
  },
);

test('without the package onoff the older interface says what to install', async () => {
  using stage = sysfsStage(512);
  const gpio = gpioOn({ ...stage.places, onoff: 'a-package-that-is-not-there' });
  const error = await failure(input(gpio).open(signal));
  expect(error).toMatchObject({ code: 'PORT_ABSENT', message: 'the package onoff does not load' });
  expect(await failure(output(gpio, 'GPIO17').open(signal))).toMatchObject({ code: 'PORT_ABSENT', hint: error.hint });
});

test('a machine without GPIO, and one without tools for it, say so', async () => {
  using stage = new GpiodStage('2.2.1', 0);
  const { dev, sys, folder } = stage;
  expect(await failure(gpioOn({ dev: folder, sys }).listLines())).toMatchObject({
    code: 'PORT_ABSENT',
    message: 'this machine has no GPIO',
  });
  expect(await failure(gpioOn({ dev, sys, toolsFolder: folder }).listLines())).toMatchObject({
    code: 'PORT_ABSENT',
    message: 'there is no tool to use GPIO lines with',
  });
});
