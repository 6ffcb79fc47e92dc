// What the live page costs: the time until it shows something, and the agent's processor time while it is open. docs/benchmarks.md
// says what exactly is measured. Exit code 1: a claim did not hold.
// Usage: PUSHGUARD_PROGRAM=FILE node page_bench.js [--part first_paint|page_cost] [--orgs N] [--rounds N] [--windows N] [--seconds N]

import { parseArgs } from 'node:util';
import { openBrowser, World, until } from '../world.js';
import { Claims } from './figures.js';
import { measureFirstPaint } from './first_paint.js';
import { measurePageCost, untilSteady } from './page_cost.js';
import { ended, movingRollout, policies, reconcile, restingRollout } from '../large_rollouts.js';

const firstPaintMax = 1.5;
const pageCostMax = 1.25;

const fewOrgs = 100;
const loading = 240_000; // 100 000 orgs are read within seconds where the machine is idle

const { values } = parseArgs({
  options: {
    part: { type: 'string' },
    orgs: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '15' },
    windows: { type: 'string', default: '6' },
    seconds: { type: 'string', default: '15' },
  },
});
function number(name) {
  const given = Number(values[name]);
  if (!(given > 0)) throw new Error(`--${name} must be a number above 0`);
  return given;
}
const orgs = number('orgs');
const rounds = number('rounds');
const windows = number('windows');
const seconds = number('seconds'); // a multiple of 15 where scrapes are to be as many in each
const wants = (part) => values.part === undefined || values.part === part;
if (!['first_paint', 'page_cost'].some(wants)) throw new Error('--part must be first_paint or page_cost');

const worlds = [];

/** A world whose rollout is loaded as far as `isReady` wants. */
async function begin(scenario, isReady) {
  const world = new World({ scenario, policies, reconcile });
  worlds.push(world);
  await world.start();
  const rollout = await until(
    'a loaded rollout',
    async () => {
      const { rollouts } = await world.get('api/v1/overview');
      return rollouts.length === 1 && isReady(rollouts[0]) ? rollouts[0] : null;
    },
    { within: loading },
  );
  return { world, rollout };
}

const resting = (count) =>
  begin(restingRollout(count), ({ progress }) => progress.orgs === count && progress.finished === ended(count));

async function moving() {
  const begun = await begin(movingRollout(orgs), ({ progress }) => progress.orgs === orgs && progress.finished > 0);
  await untilSteady(begun.world);
  return begun;
}

async function end({ world }) {
  await world.close();
  worlds.splice(worlds.indexOf(world), 1);
}

async function compareFirstPaint(browser, claims) {
  const few = await resting(fewOrgs);
  for (const [beginMany, how] of [[() => resting(orgs), 'while nothing moves'], [moving, 'at 50 events a second']]) {
    const many = await beginMany();
    const title = `${orgs} orgs ${how} beside ${fewOrgs}`;
    await measureFirstPaint(browser, { many, few }, { rounds, title, claims, allowed: firstPaintMax });
    await end(many);
  }
  await end(few);
}

async function comparePageCost(browser, claims) {
  const begun = await moving();
  for (const isScraped of [false, true]) await measurePageCost(browser, begun, { windows, seconds, isScraped, claims, allowed: pageCostMax });
  await end(begun);
}

const claims = new Claims();
const browser = await openBrowser();
try {
  if (wants('first_paint')) await compareFirstPaint(browser, claims);
  if (wants('page_cost')) await comparePageCost(browser, claims);
} catch (error) {
  for (const world of worlds) console.error(world.report());
  throw error;
} finally {
  await browser.close();
  await Promise.all(worlds.map((world) => world.close()));
}
process.exitCode = claims.exitCode;
