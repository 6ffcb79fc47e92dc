// Answers that follow a rollout at a pace of their own.

import { useEffect, useRef, useState } from 'preact/hooks';
import { Pace } from '../logic/backoff.js';
import { read } from '../api.js';
import { errorText } from '../logic/errors.js';

/**
 * The answer of GET `path`: asked for when the path changes, and when `revision` does, at most once in `interval` milliseconds
 * and only while the tab is seen.
 * What failed is asked for again after `interval`.
 * @returns {{answer: object|null, path: string|null, error: string}} `path` is what the answer is of; while another is asked
 * for, or after a failure, the answer is an old one
 */
export function useAnswer(path, revision, interval) {
  const [seen, setSeen] = useState({ answer: null, path: null, error: '' });
  const pace = useRef(new Pace(interval));
  const asked = useRef(null); // the path that was last asked for
  const wanted = useRef(path);
  wanted.current = path;
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    const ask = () => {
      if (document.hidden) {
        document.addEventListener('visibilitychange', ask, { once: true });
        return;
      }
      pace.current.done(performance.now());
      asked.current = path;
      read(path).then(
        (answer) => {
          if (wanted.current === path) setSeen({ answer, path, error: '' });
        },
        (error) => {
          if (wanted.current !== path) return;
          setSeen((before) => ({ ...before, error: errorText(error.status ?? 0, error.body ?? null, error.retryAfter) }));
          setAttempt((before) => before + 1);
        },
      );
    };
    const delay = asked.current === path ? pace.current.delay(performance.now()) : 0;
    const timer = setTimeout(ask, delay);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', ask);
    };
  }, [path, revision, interval, attempt]);

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
