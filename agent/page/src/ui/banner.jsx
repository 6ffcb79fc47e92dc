// Says loudly that what is shown is not of now.

import { useEffect, useState } from 'preact/hooks';
import { reconnectNow } from '../live.js';
import { clockTime, duration } from '../logic/format.js';

export function Banner({ state, connection }) {
  const [, tick] = useState(0);
  useEffect(() => {
    if (state === 'live') return undefined;
    const timer = setInterval(() => tick((value) => value + 1), 1000);
    return () => clearInterval(timer);
  }, [state]);

  if (state !== 'lost') return null;
  const wait = connection.retryAt === null ? 0 : connection.retryAt - performance.now();
  return (
    <section class="banner" aria-label="Connection to the agent">
      <p role="alert">
        <b>
          <span aria-hidden="true">⚠ </span>
          {connection.lastHeard === null
            ? 'The agent cannot be reached.'
            : `Connection to the agent lost since ${clockTime(connection.lastHeard)} — what you see is old`}
        </b>
      </p>
      <p>
        {wait >= 1000 ? `Next attempt in ${duration(wait)}. ` : 'Connecting … '}
        <button type="button" onClick={reconnectNow}>
          Connect now
        </button>
      </p>
    </section>
  );
}
