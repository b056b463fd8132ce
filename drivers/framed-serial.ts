import { MooringError } from '../runtime/errors.ts';
import type { SensorContext, SerialBytes, SerialBytesSettings } from './driver.ts';
import { FrameFinder, type FrameForm } from './frame-finder.ts';

/** A device on a serial port that speaks in frames. */
export class FramedSerial {
  readonly #form: FrameForm;
  readonly #settings: SerialBytesSettings;
  readonly #context: SensorContext;
  readonly #port: SerialBytes;

  constructor(form: FrameForm, settings: SerialBytesSettings, context: SensorContext) {
    this.#form = form;
    this.#settings = settings;
    this.#context = context;
    this.#port = context.ports.serialBytes(settings);
  }

  /** Throws `PORT_ABSENT`, `PORT_BUSY`, `PORT_PERMISSION`. */
  async open(signal: AbortSignal): Promise<void> {
    await this.#port.open(signal);
  }

  async write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    await this.#port.write(bytes, signal);
  }

  async close(): Promise<void> {
    await this.#port.close();
  }

  /**
   * Whole frames, each with the time from the beginning of the one before it, whole or not, to its own. Stray bytes end no
   * silence: a device may send one when it loses its power, and when it has it again. Throws `PORT_LOST`, `PORT_SILENT`, or
   * `SENSOR_FAILED` where bytes come for longer than the silence and no frame is among them.
   */
  async *frames(signal: AbortSignal): AsyncGenerator<{ readonly frame: Buffer; readonly quietMs: number }> {
    const { clock } = this.#context;
    const finder = new FrameFinder(this.#form);
    let frameMs = clock.monotonicMs();
    let beginMs = frameMs;
    let quietMs = 0;
    for await (const bytes of this.#port.chunks(signal)) {
      const nowMs = clock.monotonicMs();
      const { begun } = finder;
      const found = finder.take(bytes);
      if (finder.begun > begun) [quietMs, beginMs] = [nowMs - beginMs, nowMs];
      for (const frame of found) {
        frameMs = nowMs;
        yield { frame, quietMs };
      }
      if (nowMs - frameMs > this.#settings.silenceMs) throw this.#senselessError(finder.damaged);
    }
  }

  #senselessError(damaged: number): MooringError {
    const { path, baud } = this.#settings;
    return new MooringError('SENSOR_FAILED', 'bytes come from the port, and no frame that is whole', {
      context: { port: path, baud, damaged },
      hint: 'Is this the right device on the right port? Else noise: a common ground, shorter wires.',
    });
  }
}
