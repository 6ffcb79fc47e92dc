// The orgs of a rollout: a table that the agent pages, filters and searches.

import { useEffect, useRef, useState } from 'preact/hooks';
import { count, duration, number, parseTime } from '../logic/format.js';
import { errorTypes, fileQuery, noFilter, orgsQuery, pageSize } from '../logic/query.js';
import { rolloutPath } from '../logic/route.js';
import { jobWords } from '../logic/words.js';
import { Badge, Time } from './bits.jsx';
import { useAnswer, useSettled } from './refreshing.js';

const results = [
  ['', 'All'],
  ['failed', 'Failed'],
  ['running', 'Running'],
  ['succeeded', 'Succeeded'],
  ['spared', 'Spared'],
];

function Choice({ label, value, options, onChange }) {
  return (
    <label>
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

/** What a group of failures has in common, for which there is no field. */
function Chosen({ label, value, onClear }) {
  if (!value) return null;
  return (
    <button type="button" class="chosen-filter" onClick={onClear}>
      <span>{label}</span> <span class="clip">{value}</span> <span aria-hidden="true">×</span>
      <span class="hidden">: remove this filter</span>
    </button>
  );
}

function Filters({ filter, waves, onChange }) {
  const set = (name) => (value) => onChange({ ...filter, [name]: value });
  const withOwn = (options, value) => (value && !options.some(([each]) => each === value) ? [...options, [value, value]] : options);
  return (
    <div class="filters" role="search" aria-label="Orgs">
      <label class="grow">
        <span>Search</span>
        <input
          type="search"
          value={filter.q}
          placeholder="Name, customer, tier or org id"
          maxLength={200}
          onInput={(event) => set('q')(event.currentTarget.value)}
        />
      </label>
      <Choice label="Result" value={filter.result} options={results} onChange={set('result')} />
      <Choice
        label="Wave"
        value={filter.wave}
        options={[['', 'All'], ...waves.map((wave, index) => [wave.id, `Wave ${index + 1}`])]}
        onChange={set('wave')}
      />
      <Choice
        label="Error type"
        value={filter.error_type}
        options={withOwn([['', 'All'], ...errorTypes.map((type) => [type, type])], filter.error_type)}
        onChange={set('error_type')}
      />
      <Choice
        label="Org type"
        value={filter.org_type}
        options={[['', 'All'], ['Production', 'Production'], ['Sandbox', 'Sandbox']]}
        onChange={set('org_type')}
      />
      <label class="narrow">
        <span>Instance</span>
        <input
          type="text"
          value={filter.sf_instance}
          placeholder="EU42"
          maxLength={40}
          onInput={(event) => set('sf_instance')(event.currentTarget.value.trim())}
        />
      </label>
      <Chosen label="Error" value={filter.signature} onClear={() => set('signature')('')} />
      <Chosen label="Version before" value={filter.from_version} onClear={() => set('from_version')('')} />
      <button type="button" onClick={() => onChange(noFilter)}>
        Clear<span class="hidden"> all filters</span>
      </button>
    </div>
  );
}

function took(org) {
  const start = parseTime(org.start);
  const end = parseTime(org.end);
  return start !== null && end !== null ? duration(end - start) : '';
}

function Row({ org, waveName, now }) {
  const status = org.spared ? jobWords('canceled') : jobWords(org.status);
  return (
    <tr>
      <th scope="row" data-name="Org">
        <span class="clip">{org.org_name || 'Name not known'}</span>
        <code class="quiet">{org.org_key}</code>
      </th>
      <td data-name="Customer">
        <bdi>{org.customer || '–'}</bdi>
        {org.tier && <> <span class="badge quiet">{org.tier}</span></>}
      </td>
      <td data-name="Status">
        <Badge words={status} />
      </td>
      <td data-name="Wave">{waveName}</td>
      <td data-name="Type">{org.org_type || '–'}</td>
      <td data-name="Instance">{org.sf_instance || '–'}</td>
      <td data-name="Version before">{org.from_version ? <code>{org.from_version}</code> : '–'}</td>
      <td data-name="Started">
        <Time at={org.start} now={now} />
        {took(org) && <span class="quiet"> {took(org)}</span>}
      </td>
      <td data-name="Error" class="error-cell">
        {org.error_type && (
          <>
            <b>{org.error_type}</b> <bdi>{org.error_title}</bdi> <bdi class="quiet">{org.error_message}</bdi>
          </>
        )}
      </td>
    </tr>
  );
}

export function Downloads({ hub, id }) {
  const path = `${rolloutPath(hub, id)}/orgs`;
  const file = (result, format, text) => (
    <a href={`${path}?${fileQuery({ ...noFilter, result }, format)}`} download>
      {text}
    </a>
  );
  return (
    <p class="small downloads">
      Download: failed orgs as {file('failed', 'csv', 'CSV')} or {file('failed', 'ids', 'org ids')}, spared orgs as{' '}
      {file('spared', 'csv', 'CSV')} or {file('spared', 'ids', 'org ids')}. Ids are one a line, for{' '}
      <code>sf package push-upgrade schedule --org-file</code>.
    </p>
  );
}

export function Orgs({ hub, id, waves, revision, filter, onFilter, now }) {
  // The last org of each page before the one that is shown.
  const [pages, setPages] = useState([]);
  const settled = useSettled(filter, filter.q || filter.sf_instance ? 300 : 0);
  const query = orgsQuery(settled, pages.at(-1) ?? null);
  const path = `${rolloutPath(hub, id)}/orgs?${query}`;
  const { answer, path: of, error } = useAnswer(path, revision, 5000);
  const waveNames = new Map(waves.map((wave, index) => [wave.id, `Wave ${index + 1}`]));
  useEffect(() => setPages([]), [settled]);

  const rows = answer?.orgs ?? [];
  // The number of the first row that is shown: while another page is asked for, that is one of the page before.
  const first = useRef(1);
  if (of === path) first.current = pages.length * pageSize + 1;
  const isOld = of !== path || Boolean(error);
  return (
    <>
      <Filters filter={filter} waves={waves} onChange={onFilter} />
      {error && <p class="problem">The orgs could not be read anew; what you see is old. {error}</p>}
      <div class="table-head">
        <p role="status">
          {!answer && !error && 'Loading the orgs …'}
          {answer && answer.matching === 0 && 'No org matches.'}
          {answer && answer.matching > 0 &&
            `${number(first.current)} to ${number(first.current + rows.length - 1)} of ${count(answer.matching, 'org')}`}
        </p>
        <div class="pager">
          <button type="button" disabled={pages.length === 0} onClick={() => setPages(pages.slice(0, -1))}>
            ← Previous<span class="hidden"> page of orgs</span>
          </button>
          <button
            type="button"
            disabled={isOld || !answer?.next}
            onClick={() => setPages([...pages, answer.next])}
          >
            Next<span class="hidden"> page of orgs</span> →
          </button>
        </div>
      </div>
      {rows.length > 0 && (
        <div class={isOld ? 'scroll is-old' : 'scroll'} tabIndex={0} role="region" aria-label="Table of orgs">
          <table class="orgs">
            <thead>
              <tr>
                {['Org', 'Customer', 'Status', 'Wave', 'Type', 'Instance', 'Version before', 'Started', 'Error'].map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((org) => (
                <Row key={org.id} org={org} waveName={waveNames.get(org.request_id) ?? org.request_id} now={now} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
