// What the agent's refusals mean, in words, and what to do about them.

const byCode = {
  post_is_off: 'Actions are off: the agent has no http.api_tokens_file, so nobody can act here.',
  cross_site: 'The agent refuses requests from pages of other sites. Open this page from the agent itself.',
  not_leader: 'Another agent holds the lock of the state database. Ask that one.',
};

const byStatus = {
  0: 'The agent did not answer. Whether it did what was asked is not known: look at the state below before trying again.',
  401: 'The agent does not know this token.',
  404: 'The agent does not know this rollout any more.',
  409: 'This does not fit the state of the rollout.',
  413: 'The reason is too long.',
  429: 'Too many requests.',
  503: 'The agent cannot do this now.',
};

/**
 * One or two sentences about an answer that is no success.
 * @param {number} status 0: there was no answer
 * @param {{error?: {code?: string, message?: string}}|null} body
 * @param {string|null} retryAfter the header, in seconds
 */
export function errorText(status, body, retryAfter = null) {
  const code = body?.error?.code ?? '';
  const said = body?.error?.message ?? '';
  const known = Object.hasOwn(byCode, code) ? byCode[code] : (byStatus[status] ?? `The agent answered with status ${status}.`);
  const seconds = Number.parseInt(retryAfter ?? '', 10);
  const again = Number.isFinite(seconds) ? ` Try again in ${seconds} s.` : '';
  return `${known}${said ? ` It says: ${said}.` : ''}${again}`.replace(/\.\.(?=\s|$)/g, '.');
}
