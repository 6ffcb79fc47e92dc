// One rollout: waves, rules, failures, orgs, decisions, and what can be done.

import { useEffect, useRef, useState } from 'preact/hooks';
import { parseTime } from '../logic/format.js';
import { staleHub } from '../logic/freshness.js';
import { noFilter } from '../logic/query.js';
import { useNow } from '../store.js';
import { Actions } from './actions.jsx';
import { Section, Time } from './bits.jsx';
import { Decisions, Holds } from './decisions.jsx';
import { Failures } from './failures.jsx';
import { Downloads, Orgs } from './orgs.jsx';
import { rolloutName, RolloutBadges, StaleNote } from './overview.jsx';
import { ProgressFacts, StackedBar, StatusCounts } from './progress.jsx';
import { Rules } from './rules.jsx';
import { WaveList } from './waves.jsx';

export function RolloutPage({ data, detail, isOld, actor, onActor }) {
  const now = useNow();
  const [filter, setFilter] = useState(noFilter);
  const orgs = useRef(null);
  const { hub, id } = detail;
  useEffect(() => setFilter(noFilter), [hub, id]);

  if (detail.error)
    return (
      <>
        <h1>Rollout {id}</h1>
        <p class="problem">{detail.error}</p>
        <p>
          <a href="#/">Back to the overview</a>
        </p>
      </>
    );

  const { rollout, rules, decisions, holds, history, revision } = detail;
  const name = rolloutName(rollout);
  const knownHub = data.hubs.find((each) => each.name === hub);
  return (
    <div class={staleHub(knownHub) ? 'is-stale' : ''}>
      <p class="crumbs small">
        <a href="#/">← Overview</a>
      </p>
      <div class="card-head">
        <h1>
          <bdi>{name}</bdi>{' '}
          <span class="quiet small">
            {hub} · <code>{id}</code> · epoch {rollout.epoch}
          </span>
        </h1>
        <RolloutBadges rollout={rollout} />
      </div>
      <StaleNote hub={knownHub} name={hub} now={now} />
      {rollout.aborted_at && (
        <p class={rollout.state === 'aborted' ? 'aborted-note' : 'quiet'}>
          <span aria-hidden="true">■ </span>Aborted at <Time at={rollout.aborted_at} now={now} />
          {parseTime(rollout.resumed_at) > parseTime(rollout.aborted_at) && (
            <>
              , resumed at <Time at={rollout.resumed_at} now={now} />
            </>
          )}
        </p>
      )}
      <Holds holds={holds} now={now} />
      <Actions
        agent={data.agent}
        rollout={rollout}
        rules={rules}
        holds={holds}
        isOld={isOld}
        actor={actor}
        onActor={onActor}
      />
      <section class="panel" aria-label="Progress of the rollout">
        <StackedBar jobs={rollout.jobs} progress={rollout.progress} name={name} />
        <StatusCounts jobs={rollout.jobs} />
        <ProgressFacts progress={rollout.progress} now={now} spared={rollout.spared_orgs || rollout.progress.spared} />
      </section>
      <div class="columns">
        <div>
          <Section id="rules" title={`Rules (${rules.length})`}>
            <Rules rules={rules} history={history} waves={rollout.waves} now={now} />
          </Section>
        </div>
        <div>
          <Section id="waves" title={`Waves (${rollout.waves.length})`}>
            <WaveList waves={rollout.waves} name={name} now={now} />
          </Section>
          <Section id="failures" title="Failures">
            <Failures
              hub={hub}
              id={id}
              revision={revision}
              onFilter={(wanted) => {
                setFilter(wanted);
                orgs.current?.scrollIntoView({ block: 'start' });
              }}
            />
          </Section>
        </div>
      </div>
      <Section id="decisions" title={`Decisions (${decisions.length})`}>
        <Decisions decisions={decisions} waves={rollout.waves} now={now} />
      </Section>
      <div ref={orgs}>
        <Section id="orgs" title="Orgs">
          <Downloads hub={hub} id={id} />
          <Orgs
            key={`${hub} ${id}`}
            hub={hub}
            id={id}
            waves={rollout.waves}
            revision={revision}
            filter={filter}
            onFilter={setFilter}
            now={now}
          />
        </Section>
      </div>
    </div>
  );
}
