// A test with a world and Chromium of its own.

import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { openBrowser, openPage, until, untilLive, World } from './world.js';

const testMax = 240_000; // axe-core looks two dozen times, and a busy machine is slow

let opening = null; // one browser for all tests of a file
after(async () => (await opening)?.close());

/** What the page said when the test failed. */
async function told({ page }) {
  const text = await page.locator('body').innerText({ timeout: 1000 }).catch(() => '(it does not answer)');
  return `---- the page at ${page.url()}\n${text.slice(0, 3000)}`;
}

/**
 * A test. `run` is handed the world and `open`, which opens a page there: `open(address, optionsOfTheContext)`. After it, no page may
 * have told an error or a violation of its policy, or have asked another origin.
 * @param {string} name a sentence
 * @param {object} options as World takes them; `agentWaits`: the test starts the agent itself
 * @param {(parts: {world: World, open: Function}) => Promise<void>} run
 */
export function browserTest(name, { agentWaits = false, ...options }, run) {
  test(name, { timeout: testMax }, async () => {
    const world = new World(options);
    const opened = [];
    let browser;
    const open = async (address = world.url, context = {}) => {
      const made = await openPage(browser, world, context);
      opened.push(made);
      await made.page.goto(address);
      await untilLive(made.page);
      return made;
    };
    try {
      // First of all, since it takes long on a busy machine, and rollouts wait for nobody.
      browser = await (opening ??= openBrowser());
      await world.startSimulator();
      if (!agentWaits) await world.startAgent();
      await run({ world, open });
      for (const { problems } of opened) assert.deepEqual(problems, [], 'what the browser complained about');
    } catch (error) {
      const pages = await Promise.all(opened.map(told));
      const complaints = opened.flatMap(({ problems }) => problems);
      error.message = [error.message, ...complaints, ...pages, world.report()].join('\n');
      throw error;
    } finally {
      await Promise.all(opened.map(({ context }) => context.close()));
      await world.close();
    }
  });
}

/** Marks a page, so that isSameLoad() tells whether it was loaded anew since. */
export const markLoad = (page) => page.evaluate(() => void (window.isFirstLoad = true));
export const isSameLoad = (page) => page.evaluate(() => window.isFirstLoad === true);

/** Waits until `isRight` answers true in the page; `what` says what it waits for. (The page's policy forbids waitForFunction().) */
export const untilPage = (page, what, isRight, argument) => until(what, () => page.evaluate(isRight, argument));

/** What a rollout is called on the page. */
export const nameOf = (rollout) => `${rollout.package_name} ${rollout.package_version}`;

/** The badge that says `text`, whatever sign stands before it. */
export const badge = (place, text) => place.locator('.badge').filter({ hasText: new RegExp(`^\\S?${text}$`) });
