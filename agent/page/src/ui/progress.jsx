// How far a wave or a rollout is.

import { finishedPercent, segments } from '../logic/waves.js';
import { ahead, count, number, rate } from '../logic/format.js';
import { jobWords } from '../logic/words.js';
import { Fact, Time } from './bits.jsx';

/** A stacked bar of the jobs by status. `name` says what it is the progress of. */
export function StackedBar({ jobs, progress, name }) {
  const parts = segments(jobs);
  const percent = finishedPercent(progress);
  const text = parts.map((part) => `${number(part.count)} ${jobWords(part.status).text.toLowerCase()}`).join(', ');
  return (
    <div
      class="bar"
      role="progressbar"
      aria-label={`Progress of ${name}`}
      aria-valuemin="0"
      aria-valuemax="100"
      aria-valuenow={percent}
      aria-valuetext={`${percent}% of ${count(progress.orgs, 'org')} finished${text ? `: ${text}` : ''}`}
    >
      {parts.map((part) => (
        <span
          key={part.status}
          class={`part ${part.status}`}
          style={{ flexGrow: part.share }}
          title={`${jobWords(part.status).text}: ${number(part.count)}`}
        />
      ))}
    </div>
  );
}

/** The numbers of a bar, with the signs that its colours stand for. */
export function StatusCounts({ jobs }) {
  const parts = segments(jobs);
  if (parts.length === 0) return <p class="quiet small">No orgs are known yet.</p>;
  return (
    <ul class="counts" aria-label="Orgs by status">
      {parts.map((part) => {
        const words = jobWords(part.status);
        return (
          <li key={part.status}>
            <span class={`swatch part ${part.status}`} aria-hidden="true" />
            <span class="quiet">{words.text}</span> <b>{number(part.count)}</b>
          </li>
        );
      })}
    </ul>
  );
}

/** Started, finished, failed, spared, rate and estimated end. */
export function ProgressFacts({ progress, now, spared = progress.spared }) {
  return (
    <dl class="facts">
      <Fact name="Orgs">{number(progress.orgs)}</Fact>
      <Fact name="Started">{number(progress.started)}</Fact>
      <Fact name="Finished">
        {number(progress.finished)} <span class="quiet">({finishedPercent(progress)}%)</span>
      </Fact>
      <Fact name="Failed" tone={progress.failed > 0 ? 'bad-text' : ''}>
        {number(progress.failed)}
      </Fact>
      <Fact name="Spared">{number(spared)}</Fact>
      <Fact name="Rate" title="Finished orgs a minute, over the last ten minutes at most">
        {rate(progress.rate_per_minute)}
      </Fact>
      <Fact name="Estimated end">
        <Time at={progress.estimated_end} now={now} />{' '}
        {progress.estimated_end && <span class="quiet">({ahead(progress.estimated_end, now)})</span>}
      </Fact>
    </dl>
  );
}
