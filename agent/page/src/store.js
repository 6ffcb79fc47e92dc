// The state of the page, in one place. Those who look are told once a frame at most.

import { useEffect, useState } from 'preact/hooks';
import { ServerClock } from './logic/clock.js';
import { emptyState } from './logic/state.js';

export const clock = new ServerClock(() => performance.now());

let state = {
  data: emptyState,
  connection: { isOpen: false, everLoaded: false, failed: false, lastHeard: null, retryAt: null },
};
const watchers = new Set();
let isTelling = false;

export function current() {
  return state;
}

/** Takes a new state, and tells all who look with the next frame. Hidden tabs have none, and draw when they are seen. */
export function update(change) {
  const next = change(state);
  if (next === state) return;
  state = next;
  if (isTelling) return;
  isTelling = true;
  requestAnimationFrame(() => {
    isTelling = false;
    for (const watcher of [...watchers]) watcher(state);
  });
}

export function updateData(change) {
  update((before) => {
    const data = change(before.data);
    return data === before.data ? before : { ...before, data };
  });
}

export function updateConnection(change) {
  update((before) => ({ ...before, connection: { ...before.connection, ...change } }));
}

/** The state, in a component. */
export function useStore() {
  const [seen, setSeen] = useState(state);
  useEffect(() => {
    watchers.add(setSeen);
    setSeen(state);
    return () => watchers.delete(setSeen);
  }, []);
  return seen;
}

/** The agent's time in milliseconds, new each second, in a component. */
export function useNow() {
  const [now, setNow] = useState(clock.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(clock.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return Math.max(now, clock.now());
}
