// What is made of figures: medians, ratios, and a table with what was claimed of them.

/** The middle of some numbers; of an even count, what lies between the two in the middle. */
export function median(of) {
  if (of.length === 0) throw new Error('there is no median of nothing');
  const sorted = [...of].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

export function mean(of) {
  return of.reduce((sum, each) => sum + each, 0) / of.length;
}

/**
 * What windows that are `with` something cost beside their neighbours without it: `withs[i]` lies between `withouts[i]` and
 * `withouts[i + 1]`, so that a cost that rises or falls as the rollout goes on is no part of the ratio.
 */
export function neighbouringRatios(withs, withouts) {
  if (withouts.length !== withs.length + 1) throw new Error('each window needs a neighbour on both sides');
  return withs.map((value, at) => value / ((withouts[at] + withouts[at + 1]) / 2));
}

/** Rows of text as columns as wide as they must be; the first to the left, the others to the right. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) => row.map((text, column) => (column === 0 ? text.padEnd(widths[0]) : text.padStart(widths[column]))).join('  ').trimEnd())
    .join('\n');
}

/** Figures with their claims, as they are told at the end. */
export class Claims {
  #failed = 0;
  #tell;

  constructor(tell = console.log) {
    this.#tell = tell;
  }

  /** Tells a ratio with what is allowed; one that is no number does not hold. */
  hold(what, ratio, allowed) {
    const holds = ratio <= allowed;
    if (!holds) this.#failed += 1;
    this.#tell(`  ${holds ? 'held' : 'NOT HELD'}: ${what}: ${ratio.toFixed(3)} times, at most ${allowed} claimed`);
    return holds;
  }

  /** 0 where all of them held: the exit code. */
  get exitCode() {
    return this.#failed === 0 ? 0 : 1;
  }
}
