// What a rule said over time, as agent/rule_history.hpp keeps it: never more than pointsMax points, and the longer it goes on, the
// further apart. A page that stays open shows the whole course as well as one that has just been opened.

/** As many points of a rule as are kept and drawn. */
export const pointsMax = 512;

const closest = 1000;

const instant = (point) => Date.parse(point.at);

/**
 * @typedef {{points: object[], apart: number}} Course points as the API tells them, oldest first, and how many milliseconds lie
 * between two of one verdict at least; never changed once made
 */

/** The course of what GET …/history answered. @returns {Course} */
export function courseOf(points) {
  // The agent does not tell how far apart it keeps them. The last point is replaced until it is far enough from the one before it.
  let apart = Infinity;
  for (let at = 1; at + 1 < points.length; ++at)
    if (points[at].verdict === points[at - 1].verdict) apart = Math.min(apart, instant(points[at]) - instant(points[at - 1]));
  return { points, apart: apart === Infinity ? closest : Math.max(closest, apart) };
}

/** A course with one more point; the same one where that is not newer than its last. @returns {Course} */
export function withPoint(course, point) {
  const { points, apart } = course;
  const last = points.at(-1);
  if (last !== undefined && instant(last) >= instant(point)) return course;
  const isClose = points.length > 1 && point.verdict === last.verdict && instant(point) - instant(points.at(-2)) < apart;
  const next = [...(isClose ? points.slice(0, -1) : points), point];
  if (next.length <= pointsMax) return { points: next, apart };
  // Every other one of an odd number: the first and the last are among them.
  return { points: next.filter((_, at) => at % 2 === 0), apart: apart * 2 };
}
