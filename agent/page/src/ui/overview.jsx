// All hubs and rollouts at a glance.

import { age, number } from '../logic/format.js';
import { staleHub } from '../logic/freshness.js';
import { rolloutHash } from '../logic/route.js';
import { sortedRollouts } from '../logic/state.js';
import { stateWords, verdictWords } from '../logic/words.js';
import { useNow } from '../store.js';
import { Age, Badge, Fact, Section } from './bits.jsx';
import { ProgressFacts, StackedBar, StatusCounts } from './progress.jsx';
import { WaveLines } from './waves.jsx';

function hubWords(hub) {
  if (!hub.tried) return { text: 'Not read yet', sign: '…', tone: 'quiet' };
  if (!hub.up) return { text: 'Cannot be read', sign: '✕', tone: 'bad' };
  if (hub.blind) return { text: 'Blind', sign: '◌', tone: 'blind' };
  return { text: 'Up', sign: '✓', tone: 'good' };
}

function Budget({ budget }) {
  if (budget.allowed === 0) return <>{number(budget.made)} calls made</>;
  const share = Math.min(1, budget.made / budget.allowed);
  const text = `${number(budget.made)} of ${number(budget.allowed)} calls (${Math.round(share * 100)}%)`;
  return (
    <>
      <meter class="meter" min="0" max="1" high="0.8" low="0.5" optimum="0" value={share} aria-label="API budget used" />
      {text}
    </>
  );
}

function Channels({ channels }) {
  if (channels.length === 0) return <>none: polling only</>;
  return (
    <ul class="plain">
      {channels.map((each) => (
        <li key={each.channel}>
          <Badge words={each.live ? { text: 'live', sign: '✓', tone: 'good' } : { text: 'down', sign: '✕', tone: 'bad' }} />{' '}
          <code>{each.channel}</code>
          {each.reason && <span class="quiet"> {each.reason}</span>}
        </li>
      ))}
    </ul>
  );
}

function HubCard({ hub, now }) {
  const stale = staleHub(hub);
  return (
    <article class={`card ${stale ? 'is-stale' : ''}`} aria-label={`Hub ${hub.name}`}>
      <h3>
        {hub.name} <Badge words={hubWords(hub)} />
      </h3>
      {stale && hub.tried && (
        <p class="stale-note">
          Old data: last complete read {age(stale.since, now)}.{stale.reason ? ` ${stale.reason}` : ''}
        </p>
      )}
      <dl class="facts">
        <Fact name="Last complete read">
          <Age at={hub.last_reconcile} now={now} />
        </Fact>
        <Fact name="API budget">
          <Budget budget={hub.api_budget} />
        </Fact>
        <Fact name="Channels">
          <Channels channels={hub.channels} />
        </Fact>
      </dl>
    </article>
  );
}

/** State, verdict, and what an operator or the agent did, side by side. */
export function RolloutBadges({ rollout }) {
  return (
    <span class="badges">
      <Badge words={stateWords(rollout.state)} />
      <Badge words={verdictWords(rollout.verdict)} prefix="Rules:" />
      {rollout.held && <Badge words={{ text: 'Held', sign: '‖', tone: 'warn' }} />}
      {rollout.aborted_at && rollout.state !== 'aborted' && (
        <Badge words={{ text: 'Was aborted', sign: '■', tone: 'quiet' }} />
      )}
    </span>
  );
}

/** Says that a hub's numbers are not of now, as loud as that is. */
export function StaleNote({ hub, name, now }) {
  const stale = staleHub(hub);
  if (!stale) return null;
  return (
    <p class="stale-note" role="note">
      <span aria-hidden="true">⚠ </span>Hub {name} {stale.what}. What you see is from {age(stale.since, now)}
      {stale.reason ? ` (${stale.reason})` : ''}.
    </p>
  );
}

export function rolloutName(rollout) {
  const name = [rollout.package_name, rollout.package_version].filter(Boolean).join(' ');
  return name || rollout.version_id;
}

function RolloutCard({ rollout, hub, now }) {
  const name = rolloutName(rollout);
  return (
    <article class={`card wide ${staleHub(hub) ? 'is-stale' : ''}`} aria-label={`Rollout of ${name}`}>
      <div class="card-head">
        <h3>
          <a href={rolloutHash(rollout.hub, rollout.id)}><bdi>{name}</bdi></a>{' '}
          <span class="quiet small">
            {rollout.hub} · <code>{rollout.id}</code>
          </span>
        </h3>
        <RolloutBadges rollout={rollout} />
      </div>
      <StaleNote hub={hub} name={rollout.hub} now={now} />
      <StackedBar jobs={rollout.jobs} progress={rollout.progress} name={name} />
      <StatusCounts jobs={rollout.jobs} />
      <ProgressFacts progress={rollout.progress} now={now} spared={rollout.spared_orgs || rollout.progress.spared} />
      <WaveLines waves={rollout.waves} name={name} />
    </article>
  );
}

export function Overview({ data }) {
  const now = useNow();
  const hubOf = (name) => data.hubs.find((hub) => hub.name === name);
  return (
    <>
      <h1>Overview</h1>
      <Section id="rollouts" title={`Rollouts (${data.rollouts.length})`}>
        {data.rollouts.length === 0 && (
          <p class="quiet">No rollout is known. One appears here as soon as a push request is scheduled in a hub.</p>
        )}
        <div class="stack">
          {sortedRollouts(data.rollouts).map((rollout) => (
            <RolloutCard key={`${rollout.hub} ${rollout.id}`} rollout={rollout} hub={hubOf(rollout.hub)} now={now} />
          ))}
        </div>
      </Section>
      <Section id="hubs" title={`Hubs (${data.hubs.length})`}>
        <div class="cards">
          {data.hubs.map((hub) => (
            <HubCard key={hub.name} hub={hub} now={now} />
          ))}
        </div>
      </Section>
    </>
  );
}
