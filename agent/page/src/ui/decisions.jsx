// What was decided, why, and what became of it.

import { count, dayTime, number, percent } from '../logic/format.js';
import { outcomeText, requestWords, stepText } from '../logic/words.js';
import { Age, Time } from './bits.jsx';

function Calls({ calls, now }) {
  if (!calls || calls.length === 0) return null;
  const known = ['at'];
  return (
    <details>
      <summary>{count(calls.length, 'call')} to Salesforce</summary>
      <ol class="calls">
        {calls.map((call, index) => (
          <li key={index}>
            <span class="quiet">{dayTime(call.at, now)}</span>{' '}
            {Object.entries(call)
              .filter(([name, value]) => !known.includes(name) && value !== null && value !== '')
              .map(([name, value]) => `${name.replaceAll('_', ' ')}: ${typeof value === 'object' ? JSON.stringify(value) : value}`)
              .join(' · ')}
          </li>
        ))}
      </ol>
    </details>
  );
}

function Plan({ plan, waveNames }) {
  if (plan.length === 0) return null;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Plan of the decision">
      <table>
        <thead>
          <tr>
            <th scope="col">Wave</th>
            <th scope="col">Was</th>
            <th scope="col">Step</th>
            <th scope="col">Outcome</th>
            <th scope="col">Salesforce's answer</th>
          </tr>
        </thead>
        <tbody>
          {plan.map((entry) => (
            <tr key={entry.request_id}>
              <th scope="row">
                {waveNames.get(entry.request_id) ?? ''} <code class="quiet">{entry.request_id}</code>
              </th>
              <td>{requestWords(entry.status_at_decision).text}</td>
              <td>{stepText(entry.step)}</td>
              <td>{outcomeText(entry.outcome)}</td>
              <td class="error-cell">
                {entry.salesforce_code && <b>{entry.salesforce_code}</b>} {entry.salesforce_message}
                {!entry.salesforce_code && !entry.salesforce_message && '–'}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Decision({ decision, waveNames, now }) {
  const isDry = decision.mode === 'dry_run';
  const by = decision.policy ? `${decision.policy} / ${decision.rule}` : decision.actor || 'an operator';
  return (
    <li class="decision">
      <h3>
        {isDry ? 'Dry run: would have aborted' : 'Abort'} <span class="quiet small">decision {decision.id} by {by}</span>
      </h3>
      <p class="reason">{decision.reason}</p>
      <p class="small quiet">
        <Time at={decision.decided_at} now={now} /> (<Age at={decision.decided_at} now={now} />) ·{' '}
        {number(decision.failed)} failed of {number(decision.started)} started
        {decision.observed_ratio !== null && <> = {percent(decision.observed_ratio)}</>} · epoch {decision.epoch}
        {decision.actor && decision.policy ? <> · {decision.actor}</> : null}
      </p>
      {!isDry && (
        <p>
          <b>{outcomeText(decision.outcome)}</b>. {count(decision.spared_orgs, 'org')} spared;{' '}
          {number(decision.in_flight)} were in flight and {number(decision.still_to_start)} still to start in requests that
          could not be stopped.
        </p>
      )}
      {decision.since && (
        <p class="small">
          Since then: {count(decision.since.would_have_spared, 'org')} would have been spared; of them{' '}
          {number(decision.since.started)} started, {number(decision.since.succeeded)} succeeded,{' '}
          {number(decision.since.failed)} failed{decision.since.final ? '' : ' so far'}.
        </p>
      )}
      {decision.error_signatures.length > 0 && (
        <ul class="small">
          {decision.error_signatures.map((each) => (
            <li key={each.signature}>
              {count(each.orgs, 'org')}: <bdi>{each.signature}</bdi>
            </li>
          ))}
        </ul>
      )}
      <Plan plan={decision.plan} waveNames={waveNames} />
      <Calls calls={decision.calls} now={now} />
    </li>
  );
}

export function Decisions({ decisions, waves, now }) {
  if (decisions.length === 0) return <p class="quiet">Nothing was decided about this rollout.</p>;
  const waveNames = new Map(waves.map((wave, index) => [wave.id, `Wave ${index + 1}`]));
  return (
    <ol class="decisions">
      {decisions.map((decision) => (
        <Decision key={decision.id} decision={decision} waveNames={waveNames} now={now} />
      ))}
    </ol>
  );
}

/** Holds that are in force. */
export function Holds({ holds, now }) {
  if (holds.length === 0) return null;
  return (
    <ul class="holds">
      {holds.map((hold) => (
        <li key={`${hold.rollout} ${hold.policy} ${hold.rule}`}>
          <b>‖ Held</b> ({hold.rollout ? 'the whole rollout' : `rule ${hold.policy} / ${hold.rule}`}) until{' '}
          <Time at={hold.until} now={now} /> by {hold.actor}: {hold.reason}
        </li>
      ))}
    </ul>
  );
}
