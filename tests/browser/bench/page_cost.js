// What an open page costs the agent: its processor time with the page open, beside windows before and after without it.

import { openPage, until, untilLive } from '../world.js';
import { mean, median, neighbouringRatios, table } from './figures.js';
import { ProcessorTime } from './processor_time.js';
import { eventsPerSecond } from '../large_rollouts.js';

// What the simulator makes varies by a few; an agent that lags or a rollout that has ended differ by far more.
const rateTolerance = 0.1;

const scrapeInterval = 15;
const scraped = ['metrics', 'metrics/orgs'];
const accepted = 'application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5';

/** As Prometheus does, which asks for gzip; fetch() would unpack it, and nobody needs that here. */
async function scrape(world) {
  for (const path of scraped) {
    const reply = await fetch(new URL(path, world.url), { headers: { Accept: accepted, 'Accept-Encoding': 'gzip' } });
    if (reply.status !== 200) throw new Error(`GET ${path}: ${reply.status}`);
    await reply.arrayBuffer();
  }
}

/** Events of the stream that the agent has applied so far. */
async function eventsApplied(world) {
  const text = await (await fetch(new URL('metrics', world.url))).text();
  const line = /^pushguard_stream_events_total\{[^}]*outcome="applied"[^}]*\} (\S+)$/m.exec(text);
  return line === null ? 0 : Number(line[1]);
}

const pass = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Lets `seconds` pass, with a scrape every 15 of them where asked for; answers milliseconds of the processors and events, each a second. */
async function measureWindow(world, processorTime, { seconds, isScraped }) {
  const events = await eventsApplied(world);
  const begin = performance.now();
  const before = processorTime.read();
  const until = (second) => pass(Math.max(0, begin + second * 1000 - performance.now()));
  for (let second = scrapeInterval / 2; isScraped && second < seconds; second += scrapeInterval) {
    await until(second);
    await scrape(world);
  }
  await until(seconds);
  const after = processorTime.read();
  const took = (performance.now() - begin) / 1000;
  const rate = ((await eventsApplied(world)) - events) / took;
  return { cost: (after - before) / took, rate };
}

/** Until events come at the pace that is claimed for, as they do once the first orgs have ended. */
export async function untilSteady(world) {
  await until('a steady rollout', async () => {
    const before = await eventsApplied(world);
    await pass(5000);
    const rate = ((await eventsApplied(world)) - before) / 5;
    return Math.abs(rate / eventsPerSecond - 1) < rateTolerance;
  }, { within: 300_000 });
}

/**
 * Takes `windows` windows of each page, and one without any before, between and after them.
 * @param {{world, rollout}} moving
 */
export async function measurePageCost(browser, { world, rollout }, { windows, seconds, isScraped, claims, allowed }) {
  const processorTime = new ProcessorTime(world.agent.pid);
  const pages = {
    "rollout's page": { address: world.rolloutUrl(rollout), shows: 'table.orgs tbody tr' },
    overview: { address: world.url, shows: 'article[aria-label^="Rollout of"]' },
  };
  const rates = [];
  const measure = async () => {
    const { cost, rate } = await measureWindow(world, processorTime, { seconds, isScraped });
    rates.push(rate);
    return cost;
  };
  const without = [];
  const withs = Object.fromEntries(Object.keys(pages).map((name) => [name, []]));
  for (let window = 0; window < windows; ++window) {
    without.push(await measure());
    for (const [name, { address, shows }] of Object.entries(pages)) {
      const { page, context, problems } = await openPage(browser, world);
      try {
        await page.goto(address);
        await untilLive(page);
        await page.locator(shows).first().waitFor();
        withs[name].push(await measure());
        if (problems.length > 0) throw new Error(problems.join('\n'));
      } finally {
        await context.close();
      }
    }
  }
  without.push(await measure());

  const title = isScraped ? 'scraped every 15 s' : 'not scraped';
  const slowest = Math.min(...rates);
  const quickest = Math.max(...rates);
  console.log(`\nProcessor time of the agent, ${title}; ${windows} windows of ${seconds} s each,`);
  console.log(`${slowest.toFixed(1)} to ${quickest.toFixed(1)} events a second, median ${median(rates).toFixed(1)}; means, in ms of a second`);
  const rows = [['', 'ms', 'ratio', 'to neighbours: least', 'median', 'most'], ['no page', mean(without).toFixed(1), '', '', '', '']];
  for (const [name, costs] of Object.entries(withs)) {
    const ratios = neighbouringRatios(costs, without);
    const spread = [Math.min(...ratios), median(ratios), Math.max(...ratios)];
    rows.push([name, mean(costs).toFixed(1), ...[mean(costs) / mean(without), ...spread].map((each) => each.toFixed(2))]);
  }
  console.log(table(rows));
  if (Math.abs(median(rates) / eventsPerSecond - 1) > rateTolerance)
    throw new Error(`the rollout did not go on at ${eventsPerSecond} events a second`);
  // Of means: a window has two reads of the hub or three, which are half of what the agent costs, and only the sum evens that out.
  for (const [name, costs] of Object.entries(withs)) claims.hold(`${name} open, ${title}`, mean(costs) / mean(without), allowed);
}
