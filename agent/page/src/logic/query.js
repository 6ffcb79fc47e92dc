// Which orgs are wanted, as a query of the API.

/** Rows of a page of the table. */
export const pageSize = 100;

export const noFilter = Object.freeze({
  result: '', wave: '', error_type: '', signature: '', sf_instance: '', org_type: '', from_version: '', q: '',
});

function parameters(filter) {
  const query = new URLSearchParams();
  for (const name of Object.keys(noFilter)) if (filter[name]) query.set(name, filter[name]);
  return query;
}

/** The query of one page; `after` is the last org key of the page before, or null. */
export function orgsQuery(filter, after) {
  const query = parameters(filter);
  query.set('limit', String(pageSize));
  if (after) query.set('after', after);
  return query.toString();
}

/** The query of a file of all that match; `format` is csv or ids. */
export function fileQuery(filter, format) {
  const query = parameters(filter);
  query.set('format', format);
  return query.toString();
}

/** The error types that push jobs have. */
export const errorTypes = [
  'ApexTestFailure', 'DeployError', 'FeatureMissing', 'IneligibleUpgrade', 'LimitExceeded', 'LockingFailure', 'PACError',
  'UnclassifiedError', 'Unknown',
];

/**
 * The filter for the orgs of a group of failures, and what it selects: the group (`all`), or one org of it (`one`) where
 * what they have in common is not known, by which the API cannot select.
 */
export function groupFilter(by, group) {
  const filter = { ...noFilter, result: 'failed' };
  if (group.value) return { filter: { ...filter, [by]: group.value }, selects: 'all' };
  return { filter: { ...filter, q: group.sample_org_keys[0] ?? '' }, selects: 'one' };
}
