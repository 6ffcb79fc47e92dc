// Answers that follow a rollout at a pace of their own.

import { useEffect, useRef, useState } from 'preact/hooks';
import { Pace } from '../logic/backoff.js';
import { read } from '../api.js';
import { errorText } from '../logic/errors.js';

/**
 * The answer of GET `path`: asked for when the path changes, and when `revision` does, at most once in `interval` milliseconds
 * and only while the tab is seen.
 * @returns {{answer: object|null, path: string|null, error: string}} `path` is what the answer is of; while another is asked
 * for, or after a failure, the answer is an old one
 */
export function useAnswer(path, revision, interval) {
  const [seen, setSeen] = useState({ answer: null, path: null, error: '' });
  const pace = useRef(null);
  const asked = useRef({ path: null });

  useEffect(() => {
    pace.current ??= new Pace(interval);
    let timer = null;
    let controller = null;
    const isNew = asked.current.path !== path;
    const ask = () => {
      if (document.hidden) {
        document.addEventListener('visibilitychange', ask, { once: true });
        return;
      }
      const now = performance.now();
      pace.current.done(now);
      asked.current = { path };
      controller = new AbortController();
      read(path, controller.signal).then(
        (answer) => setSeen({ answer, path, error: '' }),
        (error) => {
          if (error.name !== 'AbortError')
            setSeen((before) => ({ ...before, error: errorText(error.status ?? 0, error.body ?? null, error.retryAfter) }));
        },
      );
    };
    const delay = isNew ? 0 : pace.current.delay(performance.now());
    timer = setTimeout(ask, delay);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', ask);
      // An answer that is on its way for the same path is as good as the next one.
      if (controller !== null && asked.current.path !== path) controller.abort();
    };
  }, [path, revision, interval]);

  return seen;
}

/** `value`, once it has stayed the same for `quiet` milliseconds. */
export function useSettled(value, quiet) {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), quiet);
    return () => clearTimeout(timer);
  }, [value, quiet]);
  return settled;
}
