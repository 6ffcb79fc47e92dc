// Rollouts to look at.

/** A quarter of the orgs fail: a rule breaches within seconds, while the first wave runs for some ten. Three more wait. */
export const bad = `
seed: 7
time_scale: 60
orgs: { total: 300 }
waves:
  - { start: 30s, orgs: 90 }
  - { start: 20m, orgs: 60 }
  - { start: 35m, orgs: 70 }
  - { start: 50m, orgs: 80 }
push: { concurrency: 12, success_takes: [40s, 120s], failure_takes: [5s, 30s] }
failures: { rate: 25% }
`;

/** The same, and the first wave runs for minutes after it was contained. */
export const badAndLong = bad.replace('total: 300', 'total: 1210').replace('orgs: 90', 'orgs: 1000');

/** Nothing fails; the first wave runs for minutes, the others wait for longer than any test. */
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
