// How far waves are, and what an abort would reach.

const order = ['succeeded', 'failed', 'canceled', 'in_progress', 'pending', 'created', 'unrecognized'];

/** The stacked parts of a progress bar from counts by status: in order, shares of 1, without empty ones. */
export function segments(jobs) {
  const total = order.reduce((sum, status) => sum + (jobs[status] ?? 0), 0);
  if (total === 0) return [];
  return order
    .filter((status) => (jobs[status] ?? 0) > 0)
    .map((status) => ({ status, count: jobs[status], share: jobs[status] / total }));
}

/** Finished share of 1, rounded down to a whole percent, so that 100% means all. */
export function finishedPercent(progress) {
  return progress.orgs > 0 ? Math.floor((progress.finished / progress.orgs) * 100) : 0;
}

const canBeCanceled = (wave) => wave.status === 'created' || wave.status === 'pending';
const countOf = (wave, statuses) => statuses.reduce((sum, status) => sum + (wave.jobs[status] ?? 0), 0);

/**
 * What an abort can and cannot stop: Salesforce cancels a push request only while it is created or pending, and a single
 * org never.
 */
export function abortReach(waves) {
  const reach = { stoppable: 0, spared: 0, running: 0, inFlight: 0, stillToStart: 0, ended: 0 };
  for (const wave of waves) {
    if (canBeCanceled(wave)) {
      reach.stoppable += 1;
      reach.spared += countOf(wave, ['created', 'pending', 'unrecognized']);
      reach.inFlight += countOf(wave, ['in_progress']);
    } else if (wave.status === 'in_progress' || wave.status === 'unrecognized') {
      reach.running += 1;
      reach.inFlight += countOf(wave, ['in_progress', 'unrecognized']);
      reach.stillToStart += countOf(wave, ['created', 'pending']);
    } else {
      reach.ended += 1;
    }
  }
  return reach;
}

/** How near a rule is to its limit: the lower bound (or, without one, the observed ratio) as a share of the limit, 0 to 1; null without a limit. */
export function closeness(rule) {
  const value = rule.lower_bound_ratio ?? rule.observed_ratio;
  if (value === null || value === undefined || !(rule.threshold_ratio > 0)) return null;
  return Math.max(0, Math.min(1, value / rule.threshold_ratio));
}
