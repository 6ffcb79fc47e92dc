import assert from 'node:assert/strict';
import test from 'node:test';
import { courseOf, pointsMax, withPoint } from '../../agent/page/src/logic/course.js';
import {
  emptyState, holdIsAbout, isBack, merge, ruleKey, sortedRollouts, withDetail, withDetailError, withOverview,
} from '../../agent/page/src/logic/state.js';

const id = '04t000000000001AAA/1';
const hub = (name, more = {}) => ({ name, tried: true, up: true, blind: false, ...more });
const rollout = (more = {}) => ({ hub: 'devhub', id, state: 'running', waves: [], verdict: 'ok', ...more });
const rule = (more = {}) => ({
  policy: 'p', rule: 'r', request_id: '', segment: '', verdict: 'ok', evaluated_at: '2026-11-29T07:00:00Z',
  observed_ratio: 0.1, lower_bound_ratio: 0.05, threshold_ratio: 0.2, failed: 1, started: 10, ...more,
});
const second = (seconds) => new Date(Date.UTC(2026, 10, 29, 7, 0, 0) + seconds * 1000).toISOString();

const overview = withOverview(emptyState, {
  agent: { version: '1', actions: true }, hubs: [hub('devhub'), hub('other')],
  rollouts: [rollout(), rollout({ hub: 'other' })], alerts_firing: 3,
});
const looking = withDetail(
  overview,
  { ...rollout(), rules: [rule()], decisions: [{ id: 1, reason: 'x' }], holds: [] },
  { rules: [{ ...rule(), points: [{ at: second(0) }] }] },
  { decisions: [{ id: 1, calls: [{ at: second(1) }] }] },
);

test('an event about a hub or rollout replaces that one and no other', () => {
  const next = merge(overview, 'hub', hub('devhub', { up: false }));
  assert.deepEqual(next.hubs.map((each) => each.up), [false, true]);
  assert.equal(next.hubs[1], overview.hubs[1]);
  const more = merge(next, 'rollout', rollout({ hub: 'other', state: 'ended' }));
  assert.deepEqual(more.rollouts.map((each) => each.state), ['running', 'ended']);
  assert.equal(merge(more, 'rollout', rollout({ id: '04t000000000002AAA/1' })).rollouts.length, 3);
});

test('what is merged leaves the state before as it was', () => {
  const before = structuredClone(looking);
  for (const [type, data] of [
    ['rollout', rollout({ state: 'ended' })], ['rule', { hub: 'devhub', rollout: id, ...rule({ evaluated_at: second(9) }) }],
    ['decision', { id: 2, hub: 'devhub', rollout: id }], ['hold', { holds: [] }], ['forgotten', { hubs: ['devhub'], rules_of: [] }],
  ]) {
    merge(looking, type, data);
    assert.deepEqual(looking, before, type);
  }
});

test('events of the rollout that is looked at change it, and ask for its orgs anew', () => {
  const next = merge(looking, 'rollout', rollout({ state: 'aborted' }));
  assert.equal(next.detail.rollout.state, 'aborted');
  assert.equal(next.detail.revision, looking.detail.revision + 1);
  const other = merge(looking, 'rollout', rollout({ hub: 'other', state: 'aborted' }));
  assert.equal(other.detail, looking.detail);
});

test('a rule that was judged anew gets a point, once', () => {
  const event = { hub: 'devhub', rollout: id, ...rule({ evaluated_at: second(5), verdict: 'breached' }) };
  let next = merge(looking, 'rule', event);
  next = merge(next, 'rule', event);
  const { points } = next.detail.history.get(ruleKey(rule()));
  assert.deepEqual(points.map((point) => point.at), [second(0), second(5)]);
  assert.equal(next.detail.rules.length, 1);
  assert.equal(next.detail.rules[0].verdict, 'breached');
  assert.equal('hub' in next.detail.rules[0], false);
  assert.equal(merge(looking, 'rule', { ...event, rollout: '04t000000000002AAA/1' }), looking);
});

test('a page that stays open keeps the whole course of a rule, ever further apart', () => {
  let next = looking;
  for (let at = 1; at <= 4 * pointsMax; ++at)
    next = merge(next, 'rule', { hub: 'devhub', rollout: id, ...rule({ evaluated_at: second(at) }) });
  const { points, apart } = next.detail.history.get(ruleKey(rule()));
  assert.ok(points.length <= pointsMax && points.length > pointsMax / 2, `${points.length} points`);
  assert.deepEqual([points[0].at, points.at(-1).at], [second(0), second(4 * pointsMax)]);
  const gaps = points.slice(1).map((point, at) => Date.parse(point.at) - Date.parse(points[at].at));
  assert.equal(Math.max(...gaps), apart);
  assert.ok(Math.min(...gaps.slice(0, -1)) >= apart / 2, `${Math.min(...gaps)} ms apart`);
});

test('a verdict that changes gets a point however close it is, and an older one none', () => {
  const point = (seconds, verdict = 'ok') => ({ at: second(seconds), verdict });
  const loaded = courseOf([point(0), point(60), point(120), point(121)]);
  assert.equal(loaded.apart, 60_000);
  const seconds = (course) => course.points.map(({ at }) => (Date.parse(at) - Date.parse(second(0))) / 1000);
  assert.deepEqual(seconds(withPoint(loaded, point(179))), [0, 60, 120, 179]);
  assert.deepEqual(seconds(withPoint(loaded, point(180))), [0, 60, 120, 121, 180]);
  assert.deepEqual(seconds(withPoint(loaded, point(150, 'breached'))), [0, 60, 120, 121, 150]);
  assert.equal(withPoint(loaded, point(121)), loaded);
  assert.equal(withPoint(loaded, point(90)), loaded);
});

test('segments and waves of a rule are rules of their own', () => {
  const keys = [rule(), rule({ segment: 'EU1' }), rule({ request_id: '0DV' }), rule({ policy: 'p","r' })].map(ruleKey);
  assert.equal(new Set(keys).size, keys.length);
});

test('a decision keeps the calls that are known of it, and a new one comes first', () => {
  assert.equal(looking.detail.decisions[0].calls.length, 1);
  let next = merge(looking, 'decision', { id: 1, hub: 'devhub', rollout: id, outcome: 'confirmed' });
  assert.equal(next.detail.decisions[0].outcome, 'confirmed');
  assert.equal(next.detail.decisions[0].calls.length, 1);
  next = merge(next, 'decision', { id: 2, hub: 'devhub', rollout: id });
  assert.deepEqual(next.detail.decisions.map((each) => each.id), [2, 1]);
  assert.equal(merge(looking, 'decision', { id: 3, hub: 'other', rollout: id }), looking);
});

test('holds of other rollouts and rules are not shown', () => {
  const mine = { hub: 'devhub', rollout: id, policy: '', rule: '' };
  const ofRule = { hub: '', rollout: '', policy: 'p', rule: 'r' };
  const holds = [mine, { ...mine, hub: 'other' }, ofRule, { ...ofRule, rule: 's' }];
  assert.deepEqual(merge(looking, 'hold', { holds }).detail.holds, [mine, ofRule]);
  assert.equal(holdIsAbout(mine, 'devhub', '04t000000000001AAA/2', []), false);
});

test('a hub that is forgotten takes its rollouts with it', () => {
  const next = merge(looking, 'forgotten', { hubs: ['devhub'], rules_of: [] });
  assert.deepEqual(next.hubs.map((each) => each.name), ['other']);
  assert.deepEqual(next.rollouts.map((each) => each.hub), ['other']);
  assert.match(next.detail.error, /no longer/);
  assert.equal(merge(next, 'rule', { hub: 'devhub', rollout: id, ...rule() }), next);
  const rules = merge(looking, 'forgotten', { hubs: [], rules_of: ['devhub'] }).detail;
  assert.deepEqual([rules.rules.length, rules.history.size], [0, 0]);
});

test('unknown events change nothing', () => {
  assert.equal(merge(looking, 'jobs', {}), looking);
  const error = withDetailError(overview, 'devhub', id, 'why');
  assert.equal(merge(error, 'hold', { holds: [] }), error);
  assert.equal(merge(overview, 'alert', { firing: 0 }).alertsFiring, 0);
  assert.equal(merge(overview, 'agent', { actions: false }).agent.actions, false);
});

test('what runs stands before what ended, and later ones before earlier ones', () => {
  const at = (state, start) => rollout({ state, id: `${state}${start}`, waves: [{ scheduled_start: start }] });
  const sorted = sortedRollouts([at('ended', 'b'), at('ended', 'c'), at('waiting', 'a'), at('running', 'a'), at('aborted', 'a')]);
  assert.deepEqual(sorted.map((each) => each.id), ['runninga', 'aborteda', 'waitinga', 'endedc', 'endedb']);
});

test('a rollout that could not be shown is back with an event of its own', () => {
  const error = withDetailError(overview, 'devhub', id, 'not known');
  assert.equal(isBack(error, 'rollout', rollout()), true);
  assert.equal(isBack(error, 'rollout', rollout({ hub: 'other' })), false);
  assert.equal(isBack(error, 'rollout', rollout({ id: '04t000000000001AAA/2' })), false);
  assert.equal(isBack(error, 'hub', hub('devhub')), false);
  assert.equal(isBack(looking, 'rollout', rollout()), false);
  assert.equal(isBack(overview, 'rollout', rollout()), false);
});
