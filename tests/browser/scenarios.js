// Rollouts to look at. The first wave starts seconds after the hub, so that the agent is there before a rule breaches however
// busy the machine is; the others wait for longer than any test takes.

// A quarter of the orgs fail: a rule breaches within seconds, while the first wave runs for ten. Three more wait.
const bad = `
seed: 7
time_scale: 60
orgs: { total: 300 }
waves:
  - { start: 5m, orgs: 90 }
  - { start: 3h, orgs: 60 }
  - { start: 4h, orgs: 70 }
  - { start: 5h, orgs: 80 }
push: { concurrency: 12, success_takes: [40s, 120s], failure_takes: [5s, 30s] }
failures: { rate: 25% }
`;

/** The first wave runs for twenty seconds: long enough to see it move. */
export const badAndSteady = bad.replace('total: 300', 'total: 410').replace('orgs: 90', 'orgs: 200');

/** The same, over soon. */
export const badAndShort = bad.replace('concurrency: 12', 'concurrency: 45');

/** The same, and the first wave runs for minutes after it was contained. */
export const badAndLong = bad.replace('total: 300', 'total: 3210').replace('orgs: 90', 'orgs: 3000');

/** Nothing fails; the first wave runs for minutes, the others wait. */
export const slow = `
seed: 3
time_scale: 10
orgs: { total: 540 }
waves:
  - { start: 10s, orgs: 400 }
  - { start: 3h, orgs: 60 }
  - { start: 5h, orgs: 80 }
push: { concurrency: 10, pending_after: 1s, start_lag: [1s, 2s] }
failures: { rate: 0%, ineligible_rate: 0%, benign_rate: 0% }
`;
