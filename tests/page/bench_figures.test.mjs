import assert from 'node:assert/strict';
import test from 'node:test';
import { Claims, median, neighbouringRatios, table } from '../browser/bench/figures.js';

test('the median is the middle by value, or between the two in the middle', () => {
  assert.equal(median([10, 9, 100]), 10);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.throws(() => median([]));
});

test('a cost that rises as time goes on is no part of the ratio to its neighbours', () => {
  assert.deepEqual(neighbouringRatios([15, 25], [10, 20, 30]), [1, 1]);
  assert.deepEqual(neighbouringRatios([30], [10, 20]), [2]);
  assert.throws(() => neighbouringRatios([1, 2], [1, 2]));
});

test('a claim holds up to its limit, and never for what is no number', () => {
  const told = [];
  const holding = new Claims((line) => told.push(line));
  assert.equal(holding.hold('a', 1.5, 1.5), true);
  assert.equal(holding.exitCode, 0);
  assert.equal(holding.hold('b', 1.501, 1.5), false);
  assert.equal(holding.hold('c', 0.2, 1.5), true);
  assert.equal(holding.exitCode, 1);
  assert.match(told.join('\n'), /^ {2}held: a.*\n {2}NOT HELD: b.*\n {2}held: c/);
  const broken = new Claims(() => {});
  assert.equal(broken.hold('d', NaN, 1.5), false);
  assert.equal(broken.exitCode, 1);
});

test('columns of a table are as wide as they must be', () => {
  assert.equal(table([['', 'b'], ['long', '1'], ['a', '100']]), '        b\nlong    1\na     100');
});
