/** How many of the last lines are looked at. */
const WINDOW = 100;
/** So many bad ones of them, and the line is noisy. */
const NOISY_MIN = 10;
/** So few, and it is clean again. */
const CLEAN_MAX = 2;

/** Tells when a line becomes noisy (bad wiring, a second talker) and when it is clean again. */
export class LineQuality {
  readonly #isBad: boolean[] = [];
  #bad = 0;
  #isNoisy = false;

  /** Takes one line into account; says what has changed by it. */
  add(isBad: boolean): 'noisy' | 'clean' | undefined {
    this.#isBad.push(isBad);
    if (isBad) this.#bad += 1;
    if (this.#isBad.length > WINDOW && this.#isBad.shift() === true) this.#bad -= 1;
    if (!this.#isNoisy && this.#bad >= NOISY_MIN) {
      this.#isNoisy = true;
      return 'noisy';
    }
    if (this.#isNoisy && this.#bad <= CLEAN_MAX) {
      this.#isNoisy = false;
      return 'clean';
    }
    return undefined;
  }
}
