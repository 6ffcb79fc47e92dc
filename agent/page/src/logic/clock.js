// The agent's clock as seen from here. The browser's own may be wrong, so only its steady part is used.

/** `steady` answers milliseconds that only go forward (performance.now). */
export class ServerClock {
  #steady;
  #offset = null;

  constructor(steady) {
    this.#steady = steady;
  }

  /** Takes in what the agent just said the time is (milliseconds since 1970). */
  set(now) {
    this.#offset = now - this.#steady();
  }

  get isKnown() {
    return this.#offset !== null;
  }

  /** Milliseconds since 1970 by the agent's clock; 0 before it was told. */
  now() {
    return this.#offset === null ? 0 : this.#offset + this.#steady();
  }
}
