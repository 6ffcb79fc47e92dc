// What the part of the address after # means.

/** @typedef {{page: 'overview'} | {page: 'rollout', hub: string, id: string} | {page: 'unknown'}} Route */

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

/** @returns {Route} */
export function parseRoute(hash) {
  const path = hash.replace(/^#/, '').replace(/\/+$/, '');
  if (path === '') return { page: 'overview' };
  const [empty, kind, ...rest] = path.split('/');
  if (empty !== '' || kind !== 'rollouts' || rest.length !== 3) return { page: 'unknown' };
  const [hub, version, index] = rest.map(decoded);
  if (!hub || !/^04t[0-9A-Za-z]{12}([0-9A-Za-z]{3})?$/.test(version ?? '') || !/^[1-9]\d{0,8}$/.test(index ?? ''))
    return { page: 'unknown' };
  return { page: 'rollout', hub, id: `${version}/${index}` };
}

/** The address of a rollout's page; `id` is like 04t…/1. */
export function rolloutHash(hub, id) {
  return `#/rollouts/${encodeURIComponent(hub)}/${id}`;
}

/** Its path in the API, relative to the page. */
export function rolloutPath(hub, id) {
  return `api/v1/rollouts/${encodeURIComponent(hub)}/${id}`;
}
