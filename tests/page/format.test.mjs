import assert from 'node:assert/strict';
import test from 'node:test';
import * as format from '../../agent/page/src/logic/format.js';
import { ServerClock } from '../../agent/page/src/logic/clock.js';

const table = (name, of, rows) =>
  test(name, () => {
    for (const [input, expected] of rows) assert.equal(of(input), expected, `of ${input}`);
  });

table('numbers have thin groups of three', format.number, [
  [0, '0'], [999, '999'], [1000, '1 000'], [1234567, '1 234 567'], [null, '–'], [undefined, '–'], [NaN, '–'],
]);
table('shares round as the agent does, and small ones do not become nothing', format.percent, [
  [0, '0.0%'], [0.05, '5.0%'], [0.1234, '12.3%'], [0.0004, '0.04%'], [0.001, '0.1%'], [1, '100.0%'], [null, '–'],
]);
table('durations have two units at most', format.duration, [
  [-5000, '0 s'], [0, '0 s'], [999, '0 s'], [1000, '1 s'], [59_999, '59 s'], [60_000, '1 min'], [61_000, '1 min 1 s'],
  [3_600_000, '1 h'], [3_660_000, '1 h 1 min'], [3_601_000, '1 h'], [90_000_000, '1 d 1 h'], [undefined, '–'],
]);
table('a rate below ten has a decimal', format.rate, [
  [0, '0.0/min'], [9.94, '9.9/min'], [10, '10/min'], [1234.5, '1 235/min'], [null, '–'],
]);

test('ages count from the given now, and the future is now', () => {
  const now = Date.parse('2026-11-29T07:00:00Z');
  assert.equal(format.age('2026-11-29T06:59:48Z', now), '12 s ago');
  assert.equal(format.age('2026-11-29T07:00:05Z', now), 'now');
  assert.equal(format.age(null, now), 'never');
  assert.equal(format.age('no time', now), 'never');
  assert.equal(format.ahead('2026-11-29T07:05:00Z', now), 'in 5 min');
  assert.equal(format.ahead('2026-11-29T06:59:00Z', now), '1 min overdue');
});

test('another day is told with its date', () => {
  const noon = new Date(2026, 10, 29, 12, 0, 0).getTime();
  assert.equal(format.dayTime(new Date(2026, 10, 29, 7, 5, 9).getTime(), noon), '07:05:09');
  assert.equal(format.dayTime(new Date(2026, 10, 28, 23, 59, 59).getTime(), noon), '2026-11-28 23:59:59');
  assert.equal(format.utc('2026-11-29T07:00:00.123Z'), '2026-11-29 07:00:00 UTC');
});

test('a length of a hold is from a minute to thirty days', () => {
  for (const good of ['1m', '60s', '2h', '30d', ' 4 h ']) assert.equal(format.holdLengthProblem(good), '', good);
  for (const bad of ['', '2', 'h', '2w', '-1h', '1.5h', '59s', '31d', '0m']) assert.notEqual(format.holdLengthProblem(bad), '', bad);
});

test('the clock goes by what the agent says, whatever the browser thinks', () => {
  let steady = 1000;
  const clock = new ServerClock(() => steady);
  assert.equal(clock.isKnown, false);
  assert.equal(clock.now(), 0);
  clock.set(5_000_000);
  steady += 2500;
  assert.equal(clock.now(), 5_002_500);
  clock.set(4_000_000);
  assert.equal(clock.now(), 4_000_000);
});
