// How long the page takes to show something: an agent with very many orgs beside one with few, opened in turn.

import { openPage, patience } from '../world.js';
import { median, table } from './figures.js';

/** What is looked at, and what must be there. */
const pages = {
  overview: { name: 'overview', shows: 'article[aria-label^="Rollout of"]', address: (world) => world.url },
  rollout: { name: "rollout's page", shows: 'table.orgs tbody tr', address: (world, rollout) => world.rolloutUrl(rollout) },
};

/** Runs in the page before anything of it: notes when something is painted first, and when `shows` is there and drawn. */
function noteInstants({ shows, patience }) {
  const painted = new Promise((resolve) => {
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (entry.name === 'first-contentful-paint') resolve(entry.startTime);
    }).observe({ type: 'paint', buffered: true });
  });
  const shown = new Promise((resolve) => {
    const look = () => {
      if (document.querySelector(shows) === null) return false;
      // A task after the next frame: by then it is drawn.
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
      return true;
    };
    const watcher = new MutationObserver(() => {
      if (look()) watcher.disconnect();
    });
    watcher.observe(document, { childList: true, subtree: true });
  });
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error(`${shows} did not come`)), patience));
  late.catch(() => {});
  window.pushguardInstants = Promise.race([Promise.all([painted, shown]), late]);
}

async function openOnce(browser, world, rollout, what) {
  const { page, context, problems } = await openPage(browser, world);
  try {
    await page.addInitScript(noteInstants, { shows: what.shows, patience });
    await page.goto(what.address(world, rollout), { waitUntil: 'commit' });
    const [painted, shown] = await page.evaluate(() => window.pushguardInstants);
    if (problems.length > 0) throw new Error(problems.join('\n'));
    return { painted, shown };
  } finally {
    await context.close();
  }
}

/**
 * Opens both pages of both worlds `rounds` times each, in turn, in a context of its own each time, so that nothing is cached.
 * @param {{many: {world, rollout}, few: {world, rollout}}} sides
 */
export async function measureFirstPaint(browser, sides, { rounds, title, claims, allowed }) {
  const figures = {};
  for (const kind of Object.keys(pages)) for (const side of Object.keys(sides)) figures[`${kind} ${side}`] = { painted: [], shown: [] };
  // The first one of each warms up: Chromium compiles, and the agent makes its list of the orgs.
  for (let round = -1; round < rounds; ++round) {
    const order = round % 2 === 0 ? ['many', 'few'] : ['few', 'many'];
    for (const [kind, what] of Object.entries(pages))
      for (const side of order) {
        const { painted, shown } = await openOnce(browser, sides[side].world, sides[side].rollout, what);
        if (round < 0) continue;
        figures[`${kind} ${side}`].painted.push(painted);
        figures[`${kind} ${side}`].shown.push(shown);
      }
  }
  console.log(`\nFirst paint, ${title}; medians of ${rounds}, in ms`);
  const rows = [['', 'many orgs', 'few orgs', 'ratio']];
  const ratios = [];
  for (const [kind, { name, shows }] of Object.entries(pages))
    for (const [instant, text] of [['painted', 'first contentful paint'], ['shown', shows.startsWith('table') ? 'orgs shown' : 'rollout shown']]) {
      const [many, few] = ['many', 'few'].map((side) => median(figures[`${kind} ${side}`][instant]));
      rows.push([`${name}: ${text}`, many.toFixed(0), few.toFixed(0), (many / few).toFixed(2)]);
      ratios.push([`${name}: ${text}, ${title}`, many / few]);
    }
  console.log(table(rows));
  for (const [what, ratio] of ratios) claims.hold(what, ratio, allowed);
}
