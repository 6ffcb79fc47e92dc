// Which orgs are wanted, as a query of the API.

/** Rows of a page of the table. */
export const pageSize = 100;

export const noFilter = Object.freeze({ result: '', wave: '', error_type: '', sf_instance: '', org_type: '', q: '' });

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

const filterOf = { error_type: 'error_type', sf_instance: 'sf_instance', org_type: 'org_type' };

/** The filter for the orgs of a group of failures: by its value where the API can, or else by an org of it. */
export function groupFilter(by, group) {
  const filter = { ...noFilter, result: 'failed' };
  if (Object.hasOwn(filterOf, by) && group.value) return { ...filter, [filterOf[by]]: group.value };
  return { ...filter, q: group.sample_org_keys[0] ?? '' };
}

/** True where groupFilter() selects the whole group. */
export function selectsGroup(by, group) {
  return Object.hasOwn(filterOf, by) && Boolean(group.value);
}
