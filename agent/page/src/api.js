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

// An agent that has not answered by then is as good as gone.
const patience = 30_000;

async function exchange(path, { signal, ...options }) {
  const controller = new AbortController();
  const stop = () => controller.abort();
  signal?.addEventListener('abort', stop);
  const timer = setTimeout(stop, patience);
  let reply;
  let body;
  try {
    reply = await fetch(path, { cache: 'no-store', credentials: 'same-origin', ...options, signal: controller.signal });
    body = await reply.json().catch(() => null);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, null, null);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
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
