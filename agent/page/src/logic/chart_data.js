// The points of a rule as the columns that uPlot draws.

/** [seconds, observed, lower bound, limit], each as long as the others; null where there is none. */
export function columns(points) {
  const out = [[], [], [], []];
  let last = -Infinity;
  for (const point of points) {
    const at = Date.parse(point.at) / 1000;
    if (!(at > last)) continue; // uPlot wants rising instants
    last = at;
    out[0].push(at);
    out[1].push(point.observed_ratio ?? null);
    out[2].push(point.lower_bound_ratio ?? null);
    out[3].push(point.threshold_ratio ?? null);
  }
  return out;
}

/** At most `most` points, evenly spread, the last one always among them: for a table that people read. */
export function thinned(points, most) {
  if (points.length <= most) return points;
  const step = (points.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, index) => points[Math.round(index * step)]);
}

/** The upper end of the axis: room above the largest value, never beyond 1. */
export function axisTop(cols) {
  let top = 0;
  for (const column of cols.slice(1)) for (const value of column) if (value !== null && value > top) top = value;
  return top === 0 ? 0.01 : Math.min(1, top * 1.15);
}
