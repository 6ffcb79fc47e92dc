// What the part of the address after # means.

/** @typedef {{page: 'overview'} | {page: 'rollout', hub: string, id: string} | {page: 'unknown'}} Route */

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

/** An id of Salesforce's with all its 18 characters: the last three tell which of the others are capitals, five at a time. */
export function wholeId(id) {
  if (id.length !== 15) return id;
  const marks = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345';
  const markOf = (five) => marks[[...five].reduce((bits, letter, at) => bits | (/[A-Z]/.test(letter) ? 1 << at : 0), 0)];
  return id + [0, 5, 10].map((from) => markOf(id.slice(from, from + 5))).join('');
}

/** Versions may be written with 15 characters; the agent tells them with 18. @returns {Route} */
export function parseRoute(hash) {
  const path = hash.replace(/^#/, '').replace(/\/+$/, '');
  if (path === '') return { page: 'overview' };
  const [empty, kind, ...rest] = path.split('/');
  if (empty !== '' || kind !== 'rollouts' || rest.length !== 3) return { page: 'unknown' };
  const [hub, version, index] = rest.map(decoded);
  if (!hub || !/^04t[0-9A-Za-z]{12}([0-9A-Za-z]{3})?$/.test(version ?? '') || !/^[1-9]\d{0,8}$/.test(index ?? ''))
    return { page: 'unknown' };
  return { page: 'rollout', hub, id: `${wholeId(version)}/${index}` };
}

/** The address of a rollout's page; `id` is like 04t…/1. */
export function rolloutHash(hub, id) {
  return `#/rollouts/${encodeURIComponent(hub)}/${id}`;
}

/** Its path in the API, relative to the page. */
export function rolloutPath(hub, id) {
  return `api/v1/rollouts/${encodeURIComponent(hub)}/${id}`;
}
