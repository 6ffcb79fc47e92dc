// Takes the pictures of docs/images: `node tests/browser/screenshots.js [FOLDER]`, or `./dev screenshots`.

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openBrowser, openPage, untilLive, World } from './world.js';

const folder = process.argv[2] ?? fileURLToPath(new URL('../../docs/images/', import.meta.url));

// The first wave goes well; the second one, to orgs that lack something, does not.
const scenario = `
seed: 11
time_scale: 60
orgs: { total: 1200 }
waves:
  - { start: 3m, orgs: 120, failure_rate: 1% }
  - { start: 12m, orgs: 280, failure_rate: 24% }
  - { start: 2h, orgs: 320 }
  - { start: 4h, orgs: 480 }
push: { concurrency: 24 }
`;

const width = 1280;
// Enough for what matters, and little enough for a picture of 150 kB.
const heightMax = 820;
const font = 'DejaVu Sans';

/** Draws everything in one font, which Debian has: system-ui is another one on each machine. */
const setFont = (name) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`*, ::before, ::after { font-family: ${JSON.stringify(name)} !important }
    code, code * { font-family: ${JSON.stringify(`${name} Mono`)} !important }`);
  document.adoptedStyleSheets = [sheet];
};

async function takeAll(world, browser) {
  const rollout = await world.rollout();
  const target = `api/v1/rollouts/${rollout.hub}/${rollout.id}`;
  const { page, problems } = await openPage(browser, world, { viewport: { width, height: 400 }, reducedMotion: 'reduce' });
  await page.goto(world.rolloutUrl(rollout));
  await untilLive(page);
  await world.until('a containment beside a running wave', target, ({ jobs, decisions }) =>
    decisions[0]?.outcome === 'confirmed' && jobs.succeeded > 170 && jobs.in_progress > 0);
  await page.evaluate(setFont, font);
  for (const [name, address] of [['rollout', world.rolloutUrl(rollout)], ['overview', world.url]]) {
    await page.evaluate((hash) => void (location.hash = hash), new URL(address).hash || '#/');
    await page.locator(name === 'overview' ? '.wave-lines' : '.rule canvas').first().waitFor();
    if (name === 'rollout') await page.locator('.group').first().waitFor();
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 400 });
      const all = await page.evaluate(() => document.documentElement.scrollHeight);
      await page.setViewportSize({ width, height: Math.min(all, heightMax) });
      const file = path.join(folder, `live-page-${name}-${colorScheme}.png`);
      await page.screenshot({ path: file });
      console.log(`${file}: ${Math.round(fs.statSync(file).size / 1024)} KiB`);
    }
  }
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

const world = new World({ scenario });
let browser;
try {
  fs.mkdirSync(folder, { recursive: true });
  await world.start();
  browser = await openBrowser();
  await takeAll(world, browser);
} catch (error) {
  console.error(`${error.stack}\n${world.report()}`);
  process.exitCode = 1;
} finally {
  await browser?.close();
  await world.close();
}
