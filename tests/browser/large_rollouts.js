// The rollouts that the page is measured with, as scenarios of the simulator, and the rules that judge them.

const orgsOfPackage = (orgs) => `seed: 5
package: { generation: 2GP, name: Acme Billing, namespace: acme, from_version: 1.3.0, version: 1.4.0 }
orgs: { total: ${orgs}, production: 70%, instances: { USA442: 4, DEU12: 2, JPN88: 1, CS194: 2 } }
`;

/** Half of the orgs have ended within seconds, in four waves; the other half waits for tomorrow. Then nothing moves. */
export function restingRollout(orgs) {
  const share = orgs / 8;
  return `${orgsOfPackage(orgs)}waves:
  - { start: 2s, orgs: ${Math.ceil(share)} }
  - { start: 2s, orgs: ${Math.floor(share)} }
  - { start: 2s, orgs: ${Math.ceil(share)} }
  - { start: 2s, orgs: ${Math.floor(share)} }
  - { start: 24h, orgs: ${orgs / 2} }
push: { concurrency: ${orgs}, pending_after: 1s, start_lag: [0s, 0s], success_takes: [1s, 3s], failure_takes: [1s, 3s] }
failures: { rate: 3% }
api: { daily_calls_max: 1000000 }
`;
}

/** How many orgs of restingRollout() end. */
export const ended = (orgs) => orgs / 2;

/** Events a second of movingRollout(), once its first orgs have ended: one as an org starts, one as it ends. */
export const eventsPerSecond = 50;

/**
 * A wave of which 250 orgs are always on their way, ten seconds each on average: 25 end in a second, and as many start. With
 * 100 000 orgs it goes on for three quarters of an hour. Three further waves wait for tomorrow.
 */
export function movingRollout(orgs) {
  const waiting = Math.floor(orgs / 10);
  return `${orgsOfPackage(orgs)}waves:
  - { start: 2s, orgs: ${orgs - 3 * waiting} }
  - { start: 24h, orgs: ${waiting} }
  - { start: 24h, orgs: ${waiting} }
  - { start: 24h, orgs: ${waiting} }
push: { concurrency: 250, pending_after: 1s, start_lag: [0s, 0s], success_takes: [1ms, 20s], failure_takes: [1ms, 20s] }
failures: { rate: 3% }
api: { daily_calls_max: 1000000 }
`;
}

/** Six rules that have a course: one, and one in each of four instances, and one about the budget. None of them breaches. */
export const policies = `  - name: production
    mode: dry_run
    rules:
      - name: failure-rate
        failure_rate: { above: 20%, confidence: 99%, min_started: 10 }
        action: abort
      - name: by-instance
        failure_rate: { above: 40%, confidence: 99%, min_started: 20, by: sf_instance }
      - name: budget
        failure_budget: { above: 20% }
`;

/** How often the hub is read: as a configuration has it that does not tell. Events make the agent read it sooner. */
export const reconcile = '{ active_interval: 15s, idle_interval: 5m }';
