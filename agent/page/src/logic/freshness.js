// Whether what is shown may be trusted as being of now.

/** The agent pings every 5 s; three missed ones mean that it is gone. */
export const silenceMax = 15_000;

/**
 * @param {{isOpen: boolean, everLoaded: boolean, lastHeard: number|null}} connection lastHeard by the agent's clock
 * @returns {'starting'|'live'|'lost'}
 */
export function connectionState(connection) {
  if (connection.isOpen && connection.everLoaded) return 'live';
  return connection.everLoaded || connection.failed ? 'lost' : 'starting';
}

/** True when nothing was heard for too long. Both clocks count: the steady one stands still while a machine sleeps. */
export function isSilent(last, now) {
  return Math.max(now.steady - last.steady, now.wall - last.wall) > silenceMax;
}

/** Why a hub's numbers are not of now, and since when; null where they are. */
export function staleHub(hub) {
  if (!hub) return { what: 'is not known to this agent', since: null, reason: '' };
  if (!hub.tried) return { what: 'has not been read yet', since: null, reason: '' };
  if (!hub.up) return { what: 'cannot be read', since: hub.last_reconcile, reason: hub.last_failure };
  if (hub.blind) return { what: 'is blind: its data is too old to judge by', since: hub.last_reconcile, reason: hub.last_failure };
  return null;
}
