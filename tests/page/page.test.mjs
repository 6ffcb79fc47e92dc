import assert from 'node:assert/strict';
import test from 'node:test';
import { Pace, retryDelay } from '../../agent/page/src/logic/backoff.js';
import { axisTop, columns, thinned } from '../../agent/page/src/logic/chart_data.js';
import { errorText } from '../../agent/page/src/logic/errors.js';
import { connectionState, isSilent, silenceMax, staleHub } from '../../agent/page/src/logic/freshness.js';
import { fileQuery, groupFilter, noFilter, orgsQuery } from '../../agent/page/src/logic/query.js';
import { parseRoute, rolloutHash, rolloutPath, wholeId } from '../../agent/page/src/logic/route.js';
import { abortReach, closeness, finishedPercent, segments } from '../../agent/page/src/logic/waves.js';
import { followsText, jobWords, outcomeText, verdictNews, verdictWords } from '../../agent/page/src/logic/words.js';

test('the address of a rollout leads back to it', () => {
  for (const hub of ['devhub', 'a/b c', 'ü#?', '%41']) {
    const route = parseRoute(rolloutHash(hub, '04t000000000001AAA/12'));
    assert.deepEqual(route, { page: 'rollout', hub, id: '04t000000000001AAA/12' });
  }
  assert.equal(rolloutPath('a/b', '04t000000000001/1'), 'api/v1/rollouts/a%2Fb/04t000000000001/1');
});

test('a version is known by 15 and by 18 characters', () => {
  for (const whole of ['04t000000000001AAA', '04t5g0000000002AAA', '04tABCDEfghIJKlYHO', '04tZzZzZzZzZzZzIVK']) {
    assert.equal(wholeId(whole.slice(0, 15)), whole);
    assert.equal(wholeId(whole), whole);
    assert.equal(parseRoute(`#/rollouts/devhub/${whole.slice(0, 15)}/2`).id, `${whole}/2`);
  }
});

test('other addresses are known not to be pages', () => {
  for (const hash of ['', '#', '#/']) assert.equal(parseRoute(hash).page, 'overview', hash);
  for (const hash of [
    '#x', '#/rollouts', '#/rollouts/devhub', '#/rollouts/devhub/04t000000000001', '#/rollouts/devhub/04t0/1',
    '#/rollouts/devhub/04t000000000001/0', '#/rollouts//04t000000000001/1', '#/rollouts/%zz/04t000000000001/1',
    '#/rollouts/devhub/04t000000000001/1/2', '#/rollouts/devhub/..%2f..%2fx/1',
  ])
    assert.equal(parseRoute(hash).page, 'unknown', hash);
});

test('attempts come later and later, never later than half a minute, and spread', () => {
  let before = 0;
  for (let failures = 0; failures < 100; ++failures) {
    const [least, most] = [retryDelay(failures, 0), retryDelay(failures, 0.999999)];
    assert.ok(least >= before / 2 && least >= 500 && most <= 30_000 && most > least);
    before = least;
  }
  assert.equal(retryDelay(50, 0), 15_000);
});

test('a pace lets pass at once what is late, and tells how long the rest waits', () => {
  const pace = new Pace(2000);
  assert.equal(pace.delay(0), 0);
  pace.done(100);
  assert.equal(pace.delay(100), 2000);
  assert.equal(pace.delay(2099), 1);
  assert.equal(pace.delay(2100), 0);
  assert.equal(pace.delay(9999), 0);
});

test('silence counts on either clock', () => {
  const last = { steady: 0, wall: 0 };
  assert.equal(isSilent(last, { steady: silenceMax, wall: silenceMax }), false);
  assert.equal(isSilent(last, { steady: silenceMax + 1, wall: 0 }), true);
  assert.equal(isSilent(last, { steady: 10, wall: silenceMax + 1 }), true, 'the machine slept');
});

test('only what is open and loaded is live', () => {
  const of = (isOpen, everLoaded, failed) => connectionState({ isOpen, everLoaded, failed });
  assert.equal(of(true, true, false), 'live');
  assert.equal(of(false, true, false), 'lost');
  assert.equal(of(false, false, false), 'starting');
  assert.equal(of(false, false, true), 'lost');
});

test('a hub is fresh only when it was read, is up and sees', () => {
  const hub = { tried: true, up: true, blind: false, last_reconcile: 't', last_failure: 'why' };
  assert.equal(staleHub(hub), null);
  assert.equal(staleHub({ ...hub, up: false }).reason, 'why');
  assert.match(staleHub({ ...hub, blind: true }).what, /blind/);
  assert.match(staleHub({ ...hub, tried: false }).what, /not been read/);
  assert.notEqual(staleHub(undefined), null);
});

const jobs = (of) => ({ created: 0, pending: 0, in_progress: 0, succeeded: 0, failed: 0, canceled: 0, unrecognized: 0, ...of });

test('the parts of a bar add up to the whole', () => {
  assert.deepEqual(segments(jobs({})), []);
  const parts = segments(jobs({ pending: 1, failed: 1, succeeded: 2 }));
  assert.deepEqual(parts.map((part) => [part.status, part.share]), [['succeeded', 0.5], ['failed', 0.25], ['pending', 0.25]]);
});

test('a hundred percent means all', () => {
  assert.equal(finishedPercent({ orgs: 1000, finished: 999 }), 99);
  assert.equal(finishedPercent({ orgs: 1000, finished: 1000 }), 100);
  assert.equal(finishedPercent({ orgs: 0, finished: 0 }), 0);
});

test('an abort stops what has not started and nothing else', () => {
  const reach = abortReach([
    { status: 'succeeded', jobs: jobs({ succeeded: 5 }) },
    { status: 'in_progress', jobs: jobs({ succeeded: 5, in_progress: 3, pending: 7 }) },
    { status: 'pending', jobs: jobs({ pending: 40 }) },
    { status: 'created', jobs: jobs({ created: 60 }) },
  ]);
  assert.deepEqual(reach, { stoppable: 2, spared: 100, running: 1, inFlight: 3, stillToStart: 7, ended: 1 });
});

test('closeness compares the lower bound where there is one', () => {
  const rule = (observed_ratio, lower_bound_ratio, threshold_ratio) => ({ observed_ratio, lower_bound_ratio, threshold_ratio });
  assert.equal(closeness(rule(0.08, 0.02, 0.04)), 0.5);
  assert.equal(closeness(rule(0.02, null, 0.04)), 0.5);
  assert.equal(closeness(rule(0.9, 0.5, 0.04)), 1);
  assert.equal(closeness(rule(0.9, 0.5, null)), null);
  assert.equal(closeness(rule(null, null, 0.1)), null);
  assert.equal(closeness(rule(0.1, null, 0)), null);
});

test('refusals are told in words', () => {
  const rows = [
    [0, null, null, /did not answer.*look at the state/],
    [401, { error: { code: 'unauthorized', message: 'a token is needed' } }, null, /^The agent does not know this token\. It says: a token is needed\.$/],
    [403, { error: { code: 'post_is_off', message: 'm' } }, null, /api_tokens_file/],
    [409, { error: { code: 'conflict', message: 'held already' } }, null, /held already/],
    [429, { error: { code: 'x', message: 'too often' } }, '7', /Try again in 7 s\.$/],
    [503, null, null, /cannot do this now/],
    [418, null, 'soon', /^The agent answered with status 418\.$/],
    [500, { error: { code: 'constructor', message: 'm' } }, null, /^The agent answered with status 500\. It says: m\.$/],
  ];
  for (const [status, body, retry, expected] of rows) assert.match(errorText(status, body, retry), expected);
});

test('queries hold what is asked for and nothing else', () => {
  assert.equal(orgsQuery(noFilter, null), 'limit=100');
  assert.equal(orgsQuery({ ...noFilter, result: 'failed', q: 'a&b' }, '00D1'), 'result=failed&q=a%26b&limit=100&after=00D1');
  assert.equal(fileQuery({ ...noFilter, result: 'spared' }, 'ids'), 'result=spared&format=ids');
});

test('a group leads to its orgs, to those of its type, or to one of them', () => {
  const failed = { ...noFilter, result: 'failed' };
  const group = (value) => ({ value, sample_org_keys: ['00D1'] });
  assert.deepEqual(groupFilter('sf_instance', group('EU42')), { filter: { ...failed, sf_instance: 'EU42' }, selects: 'all' });
  assert.deepEqual(groupFilter('error_type', group('PACError')), { filter: { ...failed, error_type: 'PACError' }, selects: 'all' });
  const signature = 'DeployError: Deployment Failure: x';
  assert.deepEqual(groupFilter('signature', group(signature)), { filter: { ...failed, signature }, selects: 'all' });
  assert.deepEqual(groupFilter('from_version', group('04t1')), { filter: { ...failed, from_version: '04t1' }, selects: 'all' });
  for (const by of ['from_version', 'sf_instance'])
    assert.deepEqual(groupFilter(by, group('')), { filter: { ...failed, q: '00D1' }, selects: 'one' });
});

test('the columns of a chart rise in time and are of one length', () => {
  const point = (at, observed) => ({ at: new Date(at * 1000).toISOString(), observed_ratio: observed, lower_bound_ratio: null, threshold_ratio: 0.5 });
  const cols = columns([point(1, 0.1), point(3, 0.2), point(2, 0.9), point(3, 0.9), point(4, undefined)]);
  assert.deepEqual(cols, [[1, 3, 4], [0.1, 0.2, null], [null, null, null], [0.5, 0.5, 0.5]]);
  assert.equal(axisTop(cols), 0.575);
  assert.equal(axisTop([[1], [0.99], [null], [null]]), 1);
  assert.equal(axisTop([[], [], [], []]), 0.01);
});

test('a table has the first and the last value of a long history', () => {
  const points = Array.from({ length: 512 }, (_, index) => index);
  const few = thinned(points, 40);
  assert.deepEqual([few.length, few[0], few.at(-1)], [40, 0, 511]);
  assert.equal(new Set(few).size, 40);
  assert.equal(thinned([1, 2], 40).length, 2);
});

test('every state has words and a sign of its own', () => {
  const known = ['ok', 'warning', 'breached', 'blind', 'insufficient_data'].map(verdictWords);
  assert.equal(new Set(known.map((each) => each.sign)).size, known.length);
  assert.equal(verdictWords(null).text, 'No rule judges it');
  assert.deepEqual(jobWords('brand_new'), { text: 'brand_new', sign: '?', tone: 'quiet' });
  assert.equal(verdictWords('constructor').text, 'constructor');
  assert.equal(outcomeText(null), 'under way');
  assert.match(outcomeText('refused'), /Salesforce/);
  assert.match(followsText('breached_before_arming'), /only alerts/);
});

test('only a verdict that changed is news', () => {
  const rule = (verdict) => ({ policy: 'p', rule: 'r', segment: 'EU1', verdict });
  assert.equal(verdictNews(undefined, rule('breached')), null);
  assert.equal(verdictNews(rule('ok'), rule('ok')), null);
  assert.equal(verdictNews(rule('ok'), rule('breached')), 'Rule p / r (EU1) is now: Breached.');
});
