import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe } from 'node:test';
import { badge, browserTest, isSameLoad, markLoad, nameOf, untilPage } from './browser_test.js';
import { startRelay } from './relay.js';
import { slow } from './scenarios.js';
import { untilLive } from './world.js';

// Each attempt that finds nobody is logged by Chromium itself.
const nobodyThere = /net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|INCOMPLETE_CHUNKED_ENCODING|EMPTY_RESPONSE|SOCKET_NOT_CONNECTED)/;

// An agent answers before it has read its hub for the first time.
const notReadYet = /status of 404 .*\/api\/v1\/rollouts\//;

const progressOf = (page) => page.locator('main .bar').first().getAttribute('aria-valuetext');

/** How many orgs of the rollout have succeeded, as the page shows. */
async function succeeded(page) {
  const text = await progressOf(page);
  return Number(/(\d+) succeeded/.exec(text)?.[1] ?? 0);
}

/** The same, as the agent says. */
const told = (world) => world.until('the rollout', 'api/v1/overview', ({ rollouts }) => rollouts[0]?.jobs);

const banner = (page) => page.getByRole('region', { name: 'Connection to the agent' });

/** Waits until the page shows at least as many orgs as the agent told a moment ago, and more than `before`. */
async function untilCurrent(world, page, before) {
  await world.until('progress', 'api/v1/overview', ({ rollouts }) => rollouts[0]?.jobs.succeeded > before);
  const { succeeded: now } = await told(world);
  await untilPage(page, `${now} orgs`, (wanted) => {
    const text = document.querySelector('main .bar')?.ariaValueText ?? '';
    return Number(/(\d+) succeeded/.exec(text)?.[1] ?? 0) >= wanted;
  }, now);
}

// Much of their time is waiting.
describe('what is old says so', { concurrency: 4 }, () => {
  browserTest('a page whose agent was killed says so, marks its numbers as old, and is current again without a reload', { scenario: slow },
    async ({ world, open }) => {
      const rollout = await world.rollout();
      await world.until('progress', 'api/v1/overview', ({ rollouts }) => rollouts[0].jobs.succeeded > 0);
      const opened = [await open(), await open(world.rolloutUrl(rollout))];
      for (const { page } of opened) {
        await markLoad(page);
        await untilCurrent(world, page, 0);
        assert.equal(await banner(page).count(), 0);
      }

      for (const { expected } of opened) expected.push(nobodyThere, notReadYet);
      await world.killAgent();
      const before = [];
      for (const { page } of opened) {
        await banner(page).getByText(/^⚠ Connection to the agent lost since \d\d:\d\d:\d\d — what you see is old$/).waitFor();
        await page.locator('header').getByText('Not connected').waitFor();
        const main = page.locator('main');
        const look = await main.evaluate((at) => ({ filter: getComputedStyle(at).filter, border: getComputedStyle(at).borderImageSource }));
        assert.match(look.filter, /grayscale\(1\)/);
        assert.match(look.border, /repeating-linear-gradient/);
        before.push(await succeeded(page));
        assert.ok(before.at(-1) > 0, 'the old numbers are gone');
        await banner(page).getByText(/Next attempt in \d+ s\./).waitFor();
      }

      await world.startAgent();
      for (const [index, { page }] of opened.entries()) {
        await untilLive(page);
        await banner(page).waitFor({ state: 'detached' });
        assert.equal(await page.locator('main').evaluate((at) => getComputedStyle(at).filter), 'none');
        await untilCurrent(world, page, before[index]);
        assert.ok(await isSameLoad(page), 'the page was loaded anew');
      }
    });

  browserTest('a rollout that a new agent has not read yet comes back by itself', { scenario: slow }, async ({ world, open }) => {
    const rollout = await world.rollout();
    const { page, expected } = await open(world.rolloutUrl(rollout));
    await markLoad(page);
    await page.locator('.waves').waitFor();
    expected.push(nobodyThere, notReadYet);
    await world.killAgent();
    await banner(page).waitFor();
    // Without its memory and without an answer of its hub it knows nothing.
    for (const name of fs.readdirSync(world.folder)) if (name.startsWith('state.db')) fs.rmSync(path.join(world.folder, name));
    world.stopSimulator();
    await world.startAgent();
    await untilLive(page);
    await page.getByText('The agent does not know this rollout any more.').waitFor();
    world.continueSimulator();
    await page.locator('.waves').waitFor();
    await untilCurrent(world, page, 0);
    assert.ok(await isSameLoad(page));
  });

  browserTest('a page whose agent falls silent without closing the connection says so too', { scenario: slow }, async ({ world, open }) => {
    await world.rollout();
    const { page, expected } = await open();
    await markLoad(page);
    expected.push(nobodyThere);
    world.agent.signal('SIGSTOP');
    await banner(page).getByText('what you see is old').waitFor();
    const before = await succeeded(page);
    world.agent.signal('SIGCONT');
    await untilLive(page);
    await untilCurrent(world, page, before);
    assert.ok(await isSameLoad(page));
  });

  browserTest('a hub that answers nothing, or cannot be reached, is told beside its old numbers until it is back', {
    scenario: slow,
    between: (hub) => startRelay(hub),
    reconcile: '{ active_interval: 200ms, idle_interval: 200ms, call_budget: 100%, blind_after: 2s }',
    streams: false,
  }, async ({ world, open }) => {
    const rollout = await world.rollout();
    await world.until('progress', 'api/v1/overview', ({ rollouts }) => rollouts[0].jobs.succeeded > 0);
    const { page: overview } = await open();
    const { page } = await open(world.rolloutUrl(rollout));
    const hub = overview.getByRole('article', { name: 'Hub devhub' });
    const card = overview.getByRole('article', { name: `Rollout of ${nameOf(rollout)}` });
    const notes = [card.locator('.stale-note'), page.locator('.stale-note')];
    await badge(hub, 'Up').waitFor();
    for (const each of [overview, page]) {
      await markLoad(each);
      assert.equal(await each.locator('.stale-note').count(), 0);
    }

    for (const [words, what, stop, start] of [
      ['Blind', 'is blind: its data is too old to judge by', () => world.stopSimulator(), () => world.continueSimulator()],
      ['Cannot be read', 'cannot be read', () => world.between.refuse(), () => world.between.admit()],
    ]) {
      stop();
      await badge(hub, words).waitFor();
      for (const note of notes) await note.getByText(new RegExp(`^⚠ Hub devhub ${what}. What you see is from .* ago`)).waitFor();
      for (const bar of [card.locator('.bar').first(), page.locator('main .bar').first()])
        assert.match(await bar.evaluate((at) => getComputedStyle(at).filter), /grayscale\(1\)/);
      // The agent is there: nothing is wrong with the connection to it.
      for (const each of [overview, page]) {
        assert.equal(await banner(each).count(), 0);
        await untilLive(each);
      }
      const before = await succeeded(page);
      start();
      await badge(hub, 'Up').waitFor();
      for (const note of notes) await note.waitFor({ state: 'detached' });
      await untilCurrent(world, page, before);
      assert.equal(await page.locator('main .bar').first().evaluate((at) => getComputedStyle(at).filter), 'none');
    }
    for (const each of [overview, page]) assert.ok(await isSameLoad(each), 'the page was loaded anew');
  });
});
