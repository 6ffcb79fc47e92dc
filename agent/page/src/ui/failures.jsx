// Why orgs fail: the failures by what they have in common.

import { useState } from 'preact/hooks';
import { count, number, percent } from '../logic/format.js';
import { groupFilter } from '../logic/query.js';
import { rolloutPath } from '../logic/route.js';
import { useAnswer } from './refreshing.js';

const kinds = [
  ['signature', 'Error'],
  ['error_type', 'Type'],
  ['sf_instance', 'Instance'],
  ['org_type', 'Org type'],
  ['from_version', 'Version before'],
];

const shownAtOnce = 10;

const leadsTo = {
  all: 'show these orgs',
  one: 'show one of these orgs',
};

function Group({ by, group, most, onFilter }) {
  const value = group.value || 'not known';
  const { filter, selects } = groupFilter(by, group);
  return (
    <li>
      <button
        type="button"
        class="group"
        onClick={() => onFilter(filter)}
        title={`Click to ${leadsTo[selects]} below`}
      >
        <span class="group-bar" aria-hidden="true">
          <span style={{ width: `${(group.failed / most) * 100}%` }} />
        </span>
        <span class="group-value">{value}</span>
        <span class="group-number">
          <b>{number(group.failed)}</b> failed
          {group.started !== null && (
            <span class="quiet">
              {' '}
              of {number(group.started)}
              {group.started > 0 && ` (${percent(group.failed / group.started)})`}
            </span>
          )}
          <span class="hidden">: {leadsTo[selects]}</span>
        </span>
      </button>
    </li>
  );
}

export function Failures({ hub, id, revision, onFilter }) {
  const [by, setBy] = useState('signature');
  const [showsAll, setShowsAll] = useState(false);
  const path = `${rolloutPath(hub, id)}/failures?by=${by}`;
  const { answer, path: of, error } = useAnswer(path, revision, 2000);
  const groups = answer?.groups ?? [];
  const shown = showsAll ? groups : groups.slice(0, shownAtOnce);
  return (
    <div aria-busy={of !== path}>
      <fieldset class="choices">
        <legend class="hidden">Group failures by</legend>
        {kinds.map(([kind, text]) => (
          <label key={kind} class={kind === by ? 'chosen' : ''}>
            <input type="radio" name="failures-by" checked={kind === by} onChange={() => setBy(kind)} />
            {text}
          </label>
        ))}
      </fieldset>
      {error && <p class="problem">Failures could not be read anew. {error}</p>}
      {answer && groups.length === 0 && <p class="quiet">No org has failed.</p>}
      <ol class={of === path ? 'groups' : 'groups is-old'}>
        {shown.map((group) => (
          <Group key={group.value} by={answer.by} group={group} most={groups[0].failed} onFilter={onFilter} />
        ))}
      </ol>
      {answer?.others > 0 && <p class="quiet small">and {count(answer.others, 'failure')} in smaller groups</p>}
      {groups.length > shownAtOnce && (
        <button type="button" class="link" onClick={() => setShowsAll(!showsAll)}>
          {showsAll ? 'Show fewer' : `Show all ${groups.length} groups`}
        </button>
      )}
    </div>
  );
}
