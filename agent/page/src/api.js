// Asking the agent. Paths are relative to the page, so that it also works behind a proxy that adds a prefix.

/** An answer that is no success, or none at all (status 0). */
export class ApiError extends Error {
  constructor(status, body, retryAfter) {
    super(body?.error?.message ?? `status ${status}`);
    this.status = status;
    this.body = body;
    this.retryAfter = retryAfter;
  }
}

async function exchange(path, options) {
  let reply;
  try {
    reply = await fetch(path, { cache: 'no-store', credentials: 'same-origin', ...options });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError(0, null, null);
  }
  const body = await reply.json().catch(() => null);
  if (!reply.ok) throw new ApiError(reply.status, body, reply.headers.get('Retry-After'));
  if (body === null) throw new ApiError(0, null, null);
  return body;
}

/** @param {AbortSignal} [signal] ends it early */
export function read(path, signal) {
  return exchange(path, { signal });
}

/** The name that a token stands for. */
export function whoami(token) {
  return exchange('api/v1/whoami', { headers: { Authorization: `Bearer ${token}` } });
}

/** Asks the agent to act. */
export function act(path, token, body) {
  return exchange(path, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
}
