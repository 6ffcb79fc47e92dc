// The waves of a rollout, each with its bar.

import { ahead, number, parseTime } from '../logic/format.js';
import { finishedPercent } from '../logic/waves.js';
import { requestWords } from '../logic/words.js';
import { Badge, Time } from './bits.jsx';
import { ProgressFacts, StackedBar, StatusCounts } from './progress.jsx';

function Start({ wave, now }) {
  if (wave.start)
    return (
      <>
        started <Time at={wave.start} now={now} />
      </>
    );
  if (wave.scheduled_start && wave.end)
    return (
      <>
        was to start <Time at={wave.scheduled_start} now={now} />
      </>
    );
  if (wave.scheduled_start)
    return (
      <>
        {parseTime(wave.scheduled_start) >= now ? 'due' : 'was due'} <Time at={wave.scheduled_start} now={now} /> (
        {ahead(wave.scheduled_start, now)})
      </>
    );
  return 'not scheduled';
}

/** One line a wave: for the overview. */
export function WaveLines({ waves, name }) {
  return (
    <ol class="wave-lines">
      {waves.map((wave, index) => (
        <li key={wave.id}>
          <span class="wave-name">Wave {index + 1}</span>
          <Badge words={requestWords(wave.status)} />
          <StackedBar jobs={wave.jobs} progress={wave.progress} name={`wave ${index + 1} of ${name}`} />
          <span class="wave-numbers">
            {number(wave.progress.finished)} / {number(wave.progress.orgs)}
            <span class={wave.progress.failed > 0 ? 'bad-text' : 'quiet'}>
              {' '}
              <span aria-hidden="true">✕</span>
              {number(wave.progress.failed)} failed
            </span>
          </span>
        </li>
      ))}
    </ol>
  );
}

/** All that is known of each wave. */
export function WaveList({ waves, name, now }) {
  if (waves.length === 0) return <p class="quiet">This rollout has no push requests.</p>;
  return (
    <ol class="waves">
      {waves.map((wave, index) => (
        <li key={wave.id} class="wave">
          <h3>
            Wave {index + 1} <code>{wave.id}</code> <Badge words={requestWords(wave.status)} />
            {wave.stale && <span class="badge quiet">left behind by a scheduling that failed</span>}
          </h3>
          <p class="small quiet">
            <Start wave={wave} now={now} />
            {wave.end && (
              <>
                {', ended '}
                <Time at={wave.end} now={now} />
              </>
            )}
            {wave.setup_page && (
              <>
                {' · '}
                <a href={wave.setup_page} target="_blank" rel="noopener noreferrer">
                  Open in Salesforce Setup<span class="hidden"> (wave {index + 1}, new tab)</span> ↗
                </a>
              </>
            )}
          </p>
          <div class="bar-line">
            <StackedBar jobs={wave.jobs} progress={wave.progress} name={`wave ${index + 1} of ${name}`} />
            <span class="bar-percent" aria-hidden="true">
              {finishedPercent(wave.progress)}%
            </span>
          </div>
          <StatusCounts jobs={wave.jobs} />
          <ProgressFacts progress={wave.progress} now={now} />
        </li>
      ))}
    </ol>
  );
}
