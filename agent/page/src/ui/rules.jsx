// What each rule says, why, and how close it is to its limit.

import { useState } from 'preact/hooks';
import { number, percent } from '../logic/format.js';
import { ruleKey } from '../logic/state.js';
import { closeness } from '../logic/waves.js';
import { followsText, verdictWords } from '../logic/words.js';
import { Age, Badge } from './bits.jsx';
import { RuleChart } from './chart.jsx';

// A rule may have a hundred segments. Charts of more rules than these are drawn when asked for.
const chartsAtOnce = 4;

function Closeness({ rule, name }) {
  const share = closeness(rule);
  if (share === null) return null;
  const value = rule.lower_bound_ratio ?? rule.observed_ratio;
  const what = rule.lower_bound_ratio !== null ? 'Lower bound' : 'Observed';
  const text = `${what} ${percent(value)} of limit ${percent(rule.threshold_ratio)}`;
  return (
    <div class="closeness">
      <div
        class="gauge"
        role="meter"
        aria-label={`How close ${name} is to its limit`}
        aria-valuemin="0"
        aria-valuemax="100"
        aria-valuenow={Math.round(share * 100)}
        aria-valuetext={text}
      >
        <span class={`gauge-fill ${verdictWords(rule.verdict).tone}`} style={{ width: `${share * 100}%` }} />
      </div>
      <span class="small">
        {Math.round(share * 100)}% of the way: {text.toLowerCase()}
        {rule.observed_ratio !== null && rule.lower_bound_ratio !== null && <>, observed {percent(rule.observed_ratio)}</>}
      </span>
    </div>
  );
}

function Rule({ rule, points, waveNames, isOpen, now }) {
  const [showsChart, setShowsChart] = useState(isOpen);
  const name = `${rule.policy} / ${rule.rule}`;
  const of = [rule.segment, waveNames.get(rule.request_id)].filter(Boolean).join(', ');
  const hasChart = points.length > 1 && points.some((point) => point.observed_ratio !== null);
  return (
    <li class={`rule ${verdictWords(rule.verdict).tone}`}>
      <h3>
        {name}
        {of && <span class="quiet"> ({of})</span>} <Badge words={verdictWords(rule.verdict)} />{' '}
        {rule.armed ? (
          <span class="badge quiet" title="It may act">Armed</span>
        ) : (
          <span class="badge warn" title="It alerts and does nothing more until it is armed">Not armed</span>
        )}
      </h3>
      <p class="reason">{rule.reason || 'It has not said anything yet.'}</p>
      {rule.follows && rule.follows !== 'nothing' && <p class="follows small">→ {followsText(rule.follows)}</p>}
      <Closeness rule={rule} name={name} />
      <p class="small quiet">
        {number(rule.failed)} failed of {number(rule.started)} started
        {rule.excluded > 0 && <>, {number(rule.excluded)} not counted</>} · judged{' '}
        <Age at={rule.evaluated_at} now={now} />
        {hasChart && (
          <>
            {' · '}
            <button type="button" class="link" aria-expanded={showsChart} onClick={() => setShowsChart(!showsChart)}>
              {showsChart ? 'Hide' : 'Show'} chart<span class="hidden"> of {name}</span>
            </button>
          </>
        )}
      </p>
      {hasChart && showsChart && <RuleChart points={points} name={`${name}${of ? ` (${of})` : ''}`} now={now} />}
    </li>
  );
}

const worstFirst = ['breached', 'blind', 'warning', 'ok', 'insufficient_data'];

export function Rules({ rules, history, waves, now }) {
  if (rules.length === 0) return <p class="quiet">No rule of the configuration is about this rollout.</p>;
  const waveNames = new Map(waves.map((wave, index) => [wave.id, `wave ${index + 1}`]));
  const rank = (rule) => {
    const at = worstFirst.indexOf(rule.verdict);
    return at < 0 ? worstFirst.length : at;
  };
  const sorted = [...rules].sort((a, b) => rank(a) - rank(b));
  return (
    <ul class="rules">
      {sorted.map((rule, index) => (
        <Rule
          key={ruleKey(rule)}
          rule={rule}
          points={history.get(ruleKey(rule))?.points ?? []}
          waveNames={waveNames}
          isOpen={index < chartsAtOnce}
          now={now}
        />
      ))}
    </ul>
  );
}
