// Keeps the state up to date: loads it, follows the stream, and notices when the agent falls silent.

import { read } from './api.js';
import { errorText } from './logic/errors.js';
import { isSilent } from './logic/freshness.js';
import { isBack, merge, withDetail, withDetailError, withOverview, withoutDetail } from './logic/state.js';
import { retryDelay } from './logic/backoff.js';
import { rolloutPath } from './logic/route.js';
import { clock, current, updateConnection, updateData } from './store.js';

const types = ['hub', 'rollout', 'rule', 'decision', 'hold', 'alert', 'agent', 'forgotten'];
const url = 'api/v1/stream?types=hub,rollout,rule,decision,hold,alert,agent';

let source = null;
let heard = null; // when, on both clocks
let failures = 0;
let retryTimer = null;
let wanted = null; // the rollout that is looked at: {hub, id}
let loading = null; // {events: [...]}, while answers are awaited
let again = null; // the timer of a load to come

const bothClocks = () => ({ steady: performance.now(), wall: Date.now() });

/** Begins; to be called once. */
export function start() {
  setInterval(watch, 1000);
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) watch();
  });
  connect();
}

/** Which rollout is looked at; null for none. */
export function look(hub, id) {
  if (wanted?.hub === hub && wanted?.id === id) return;
  wanted = hub === null ? null : { hub, id };
  updateData(withoutDetail);
  if (wanted && source !== null && current().connection.everLoaded) load();
}

/** Connects at once, without waiting for the next attempt. */
export function reconnectNow() {
  failures = 0;
  connect();
}

function connect() {
  disconnect();
  heard = bothClocks();
  const mine = new EventSource(url);
  source = mine;
  const on = (type, take) =>
    mine.addEventListener(type, (event) => {
      if (source !== mine) return;
      heard = bothClocks();
      let data;
      try {
        data = JSON.parse(event.data);
      } catch {
        lose();
        return;
      }
      take(data);
    });
  on('reset', tellTime);
  on('reset', load);
  on('ping', tellTime);
  for (const type of types) on(type, (data) => take(type, data));
  // EventSource would try again by itself, but not after every answer, and without telling when.
  mine.onerror = () => {
    if (source === mine) lose();
  };
}

function disconnect() {
  clearTimeout(retryTimer);
  source?.close();
  source = null;
  loading?.controller.abort();
  loading = null;
}

function lose() {
  disconnect();
  const delay = retryDelay(failures, Math.random());
  failures += 1;
  updateConnection({ isOpen: false, failed: true, retryAt: performance.now() + delay });
  retryTimer = setTimeout(connect, delay);
}

function watch() {
  if (source !== null && isSilent(heard, bothClocks())) lose();
}

function tellTime(data) {
  clock.set(Date.parse(data.now));
  updateConnection({ lastHeard: clock.now() });
}

function take(type, data) {
  if (clock.isKnown) updateConnection({ lastHeard: clock.now() });
  if (loading !== null) loading.events.push([type, data]);
  else updateData((state) => merge(state, type, data));
  noticeReturn(type, data);
  // Rules that are others now come with the rollout; calls to Salesforce come with no event.
  const isOfWanted = wanted !== null && (type === 'forgotten' ? data.rules_of.includes(wanted.hub) : data.hub === wanted.hub);
  if (isOfWanted && (type === 'forgotten' || type === 'decision')) reloadSoon(2000);
}

function noticeReturn(type, data) {
  if (isBack(current().data, type, data)) reloadSoon();
}

/** Loads everything anew. Events that come meanwhile are applied to what is loaded: each tells the latest state of its thing. */
async function load() {
  loading?.controller.abort();
  const mine = { events: [], controller: new AbortController() };
  loading = mine;
  const look = wanted;
  try {
    const [overview, detail] = await Promise.all([
      read('api/v1/overview', mine.controller.signal),
      look ? loadDetail(look, mine.controller.signal) : null,
    ]);
    if (loading !== mine) return;
    loading = null;
    clock.set(Date.parse(overview.now));
    updateData((state) => {
      let next = withOverview(state, overview);
      if (detail) next = detail(next);
      for (const [type, data] of mine.events) next = merge(next, type, data);
      return next;
    });
    for (const [type, data] of mine.events) noticeReturn(type, data);
    failures = 0;
    updateConnection({ isOpen: true, everLoaded: true, failed: false, retryAt: null, lastHeard: clock.now() });
  } catch {
    if (loading === mine) lose();
  }
}

async function loadDetail({ hub, id }, signal) {
  const path = rolloutPath(hub, id);
  const decisions = `api/v1/decisions?${new URLSearchParams({ hub, rollout: id })}`;
  const optional = (promise) =>
    promise.catch((error) => {
      if (error.name === 'AbortError') throw error;
      return null;
    });
  try {
    const [rollout, history, told] = await Promise.all([
      read(path, signal),
      optional(read(`${path}/history`, signal)),
      optional(read(decisions, signal)),
    ]);
    return (state) => withDetail(state, rollout, history, told);
  } catch (error) {
    if (error.status === 404 || error.status === 400)
      return (state) => withDetailError(state, hub, id, errorText(error.status, error.body));
    throw error;
  }
}

/** Loads all once more in `delay` milliseconds, or when that was to happen anyway. */
export function reloadSoon(delay = 500) {
  again ??= setTimeout(() => {
    again = null;
    if (source !== null) load();
  }, delay);
}
