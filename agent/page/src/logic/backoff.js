// How long to wait before the next attempt.

const firstDelay = 1000;
const longestDelay = 30_000;

/** Milliseconds before attempt `failures + 1`: doubling from 1 s to 30 s, of which a random part (`random` in [0, 1)) keeps many pages apart. */
export function retryDelay(failures, random) {
  const whole = Math.min(longestDelay, firstDelay * 2 ** Math.min(failures, 10));
  return Math.round(whole / 2 + (whole / 2) * random);
}

/** Lets a thing happen at most once in `interval` milliseconds, and never forgets the last wish. */
export class Pace {
  #interval;
  #last = -Infinity;

  constructor(interval) {
    this.#interval = interval;
  }

  /** How long from `now` until it may happen: 0 for at once. */
  delay(now) {
    return Math.max(0, this.#last + this.#interval - now);
  }

  done(now) {
    this.#last = now;
  }
}
