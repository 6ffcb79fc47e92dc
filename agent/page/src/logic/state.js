// What the page knows, and how the agent's answers and events change it. Pure: each function answers a new state and shares
// what did not change.

import { courseOf, withPoint } from './course.js';

/** As many decisions of a rollout as are kept. */
const decisionsMax = 200;

export const emptyState = Object.freeze({
  agent: null,
  hubs: [],
  rollouts: [],
  alertsFiring: 0,
  detail: null, // {hub, id, rollout, rules, decisions, holds, history: Map of courses, revision}, or {hub, id, error}
});

/** Names a rule of a rollout; two differ where their rules do. */
export function ruleKey(rule) {
  return JSON.stringify([rule.policy, rule.rule, rule.request_id ?? '', rule.segment ?? '']);
}

const isSame = (a, b) => a.hub === b.hub && a.id === b.id;

/** The answer of GET /api/v1/overview. */
export function withOverview(state, overview) {
  return {
    ...state,
    agent: overview.agent,
    hubs: overview.hubs,
    rollouts: overview.rollouts,
    alertsFiring: overview.alerts_firing,
  };
}

/** The answers about one rollout: itself, its history and its decisions with calls (null where they could not be read). */
export function withDetail(state, answer, history, decisions) {
  const { rules, decisions: own, holds, ...rollout } = answer;
  const courses = new Map();
  for (const rule of history?.rules ?? []) courses.set(ruleKey(rule), courseOf(rule.points));
  const told = new Map((decisions?.decisions ?? []).map((each) => [each.id, each]));
  const known = own.map((each) => ({ calls: told.get(each.id)?.calls ?? [], ...each }));
  const before = state.detail && isSame(state.detail, rollout) ? (state.detail.revision ?? 0) : 0;
  return {
    ...state,
    rollouts: replaced(state.rollouts, rollout, isSame),
    detail: {
      hub: rollout.hub,
      id: rollout.id,
      rollout,
      rules: sortRules(rules),
      decisions: newestFirst(known),
      holds,
      history: courses,
      revision: before + 1,
    },
  };
}

/** Why a rollout cannot be shown. */
export function withDetailError(state, hub, id, error) {
  return { ...state, detail: { hub, id, error } };
}

/** True where an event tells of the rollout that could not be shown: a new agent had not read its hub yet. */
export function isBack(state, type, data) {
  return type === 'rollout' && state.detail?.error !== undefined && isSame(state.detail, data);
}

export function withoutDetail(state) {
  return state.detail === null ? state : { ...state, detail: null };
}

function replaced(list, item, same) {
  const at = list.findIndex((each) => same(each, item));
  return at < 0 ? [...list, item] : [...list.slice(0, at), item, ...list.slice(at + 1)];
}

function sortRules(rules) {
  return [...rules].sort((a, b) => (ruleKey(a) < ruleKey(b) ? -1 : 1));
}

function newestFirst(decisions) {
  return [...decisions].sort((a, b) => b.id - a.id).slice(0, decisionsMax);
}

function isOfDetail(state, event, id) {
  return state.detail?.rollout !== undefined && state.detail.hub === event.hub && state.detail.id === id;
}

function pointOf(rule) {
  return {
    at: rule.evaluated_at,
    observed_ratio: rule.observed_ratio,
    lower_bound_ratio: rule.lower_bound_ratio,
    threshold_ratio: rule.threshold_ratio,
    failed: rule.failed,
    started: rule.started,
    verdict: rule.verdict,
  };
}

function withRule(state, event) {
  const { hub, rollout, ...rule } = event;
  if (!isOfDetail(state, event, rollout)) return state;
  const key = ruleKey(rule);
  const history = new Map(state.detail.history);
  history.set(key, withPoint(history.get(key) ?? courseOf([]), pointOf(rule)));
  const rules = sortRules(replaced(state.detail.rules, rule, (a, b) => ruleKey(a) === ruleKey(b)));
  return { ...state, detail: { ...state.detail, rules, history } };
}

function withRollout(state, rollout) {
  const next = { ...state, rollouts: replaced(state.rollouts, rollout, isSame) };
  if (isOfDetail(state, rollout, rollout.id))
    next.detail = { ...state.detail, rollout, revision: state.detail.revision + 1 };
  return next;
}

function withDecision(state, decision) {
  if (!isOfDetail(state, decision, decision.rollout)) return state;
  const before = state.detail.decisions.find((each) => each.id === decision.id);
  const merged = { calls: before?.calls ?? [], ...decision };
  const decisions = newestFirst(replaced(state.detail.decisions, merged, (a, b) => a.id === b.id));
  return { ...state, detail: { ...state.detail, decisions } };
}

/** True where a hold is about a rollout, by itself or through one of its rules. */
export function holdIsAbout(hold, hub, id, rules) {
  if (hold.rollout) return hold.hub === hub && hold.rollout === id;
  return rules.some((rule) => rule.policy === hold.policy && rule.rule === hold.rule);
}

function withHolds(state, holds) {
  if (state.detail?.rollout === undefined) return state;
  const { hub, id, rules } = state.detail;
  return { ...state, detail: { ...state.detail, holds: holds.filter((hold) => holdIsAbout(hold, hub, id, rules)) } };
}

function withoutForgotten(state, forgotten) {
  const isGone = (hub) => forgotten.hubs.includes(hub);
  const next = {
    ...state,
    hubs: state.hubs.filter((hub) => !isGone(hub.name)),
    rollouts: state.rollouts.filter((rollout) => !isGone(rollout.hub)),
  };
  if (state.detail && isGone(state.detail.hub))
    next.detail = { hub: state.detail.hub, id: state.detail.id, error: 'The agent no longer watches this hub.' };
  else if (state.detail?.rollout && forgotten.rules_of.includes(state.detail.hub))
    next.detail = { ...state.detail, rules: [], history: new Map() };
  return next;
}

/** What an event of the stream makes of a state; those of unknown types change nothing. */
export function merge(state, type, data) {
  switch (type) {
    case 'hub':
      return { ...state, hubs: replaced(state.hubs, data, (a, b) => a.name === b.name) };
    case 'rollout':
      return withRollout(state, data);
    case 'rule':
      return withRule(state, data);
    case 'decision':
      return withDecision(state, data);
    case 'hold':
      return withHolds(state, data.holds);
    case 'alert':
      return { ...state, alertsFiring: data.firing };
    case 'agent':
      return { ...state, agent: data };
    case 'forgotten':
      return withoutForgotten(state, data);
    default:
      return state;
  }
}

const urgency = { running: 0, aborted: 1, waiting: 2, ended: 3 };

/** Rollouts as a list for people: what runs first, then aborted, waiting and ended ones, newest version last seen first. */
export function sortedRollouts(rollouts) {
  const startOf = (rollout) => rollout.waves[0]?.scheduled_start ?? rollout.waves[0]?.start ?? '';
  return [...rollouts].sort(
    (a, b) => (urgency[a.state] ?? 9) - (urgency[b.state] ?? 9) || (startOf(a) < startOf(b) ? 1 : -1),
  );
}
