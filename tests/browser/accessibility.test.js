import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import fs from 'node:fs';
import { badge, browserTest, nameOf, untilPage } from './browser_test.js';
import { badAndLong, slow } from './scenarios.js';
import { tokens } from './world.js';

const axeSource = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The serious and critical violations that axe-core finds in what is shown now, in words. */
async function violations(page, part = 'html') {
  const found = await page.evaluate((where) => axe.run(where, { resultTypes: ['violations'] }), part);
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => {
      const where = nodes.slice(0, 3).map(({ html, any }) => `${html.slice(0, 200)} ${any[0]?.message ?? ''}`);
      return `${id}: ${help}: ${where.join(' | ')}`;
    });
}

const sizes = [[360, 740], [1280, 900], [3840, 1000]]; // the height matters to nothing but the time

/** Lets axe-core look in light and dark at each width, and says where it found what. */
async function judge(page, what, part) {
  const problems = [];
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    for (const [width, height] of sizes) {
      await page.setViewportSize({ width, height });
      await untilPage(page, 'the width', (wanted) => innerWidth === wanted, width);
      for (const each of await violations(page, part)) problems.push(`${what}, ${colorScheme}, ${width} wide: ${each}`);
      if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth || document.body.scrollWidth > innerWidth))
        problems.push(`${what}, ${colorScheme}: wider than ${width} pixels`);
    }
  }
  return problems;
}

browserTest('axe-core finds nothing serious in any part, in light and dark, from a phone to a large screen', { scenario: badAndLong },
  async ({ world, open }) => {
    const rollout = await world.rollout();
    const path = `api/v1/rollouts/${rollout.hub}/${rollout.id}`;
    await world.until('a containment beside a running wave', path, ({ jobs, decisions }) =>
      decisions[0]?.outcome === 'confirmed' && jobs.in_progress > 0);
    const { page } = await open();
    await page.evaluate(axeSource);
    const problems = [];

    // It must be able to find something.
    await page.evaluate(() => document.querySelector('main').insertAdjacentHTML('beforeend', '<button id="bad"></button>'));
    assert.match((await violations(page)).join(), /button-name/);
    await page.evaluate(() => document.getElementById('bad').remove());

    await badge(page.locator('.badges'), 'Rules: Breached').waitFor();
    problems.push(...(await judge(page, 'overview')));
    await page.locator('.card h3 a').click();
    await page.locator('.decision').waitFor();
    await page.locator('.rule canvas').first().waitFor();
    // A few rows with everything in them: a hundred take axe-core long and tell it no more.
    await page.getByRole('combobox', { name: 'Error type' }).selectOption('ApexTestFailure');
    await untilPage(page, 'orgs that failed in a test', () => {
      const rows = [...document.querySelectorAll('table.orgs tbody tr')];
      return rows.length > 0 && rows.every((row) => row.innerText.includes('ApexTestFailure'));
    });
    problems.push(...(await judge(page, 'rollout')));

    const group = page.getByRole('group', { name: 'Actions on this rollout' });
    await group.getByRole('button', { name: 'Hold …' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Hold' }).click();
    await dialog.getByRole('alert').getByText('Say why').waitFor();
    problems.push(...(await judge(page, 'hold with a problem', 'dialog')));
    await page.keyboard.press('Escape');
    await group.getByRole('button', { name: 'Abort …' }).click();
    await dialog.getByLabel('Reason').fill('to look at it');
    await dialog.getByLabel('API token').fill(tokens.ann);
    await dialog.getByRole('button', { name: 'Abort …' }).click();
    await dialog.locator('.sure').waitFor();
    problems.push(...(await judge(page, 'abort before the second click', 'dialog')));
    assert.deepEqual(problems, []);
  });

/** What has the focus, in words. */
const focused = () => {
  const at = document.activeElement;
  return at === null || at === document.body ? '' : (at.labels?.[0]?.querySelector('span')?.innerText ?? at.innerText).trim();
};

/** Presses a key until the focus is on `name`, as a reader without a pointer does. */
async function reach(page, name, key = 'Tab') {
  const passed = [];
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press(key);
    const now = await page.evaluate(focused);
    if (now === name) return;
    passed.push(now);
  }
  throw new Error(`${name} cannot be reached by ${key}: ${passed.join(' | ')}`);
}

browserTest('the keyboard alone reaches hold, fills it in, sends it, and comes back to where it was', { scenario: slow },
  async ({ world, open }) => {
    const rollout = await world.rollout();
    const path = `api/v1/rollouts/${rollout.hub}/${rollout.id}`;
    const { page } = await open();
    await reach(page, nameOf(rollout));
    await page.keyboard.press('Enter');
    const hold = page.getByRole('button', { name: 'Hold …' });
    await hold.waitFor();
    await untilPage(page, 'the focus on the new page', () => document.activeElement?.id === 'main');

    await reach(page, 'Hold …');
    const outline = await hold.evaluate((at) => {
      const { outlineStyle: style, outlineWidth } = getComputedStyle(at);
      return { style, width: parseFloat(outlineWidth) };
    });
    assert.ok(outline.style !== 'none' && outline.width >= 2, `the focus is not seen: ${JSON.stringify(outline)}`);
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Hold the rollout' });
    await dialog.waitFor();
    assert.ok(await dialog.evaluate((at) => at.contains(document.activeElement)), 'the focus stayed outside of the dialog');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    assert.equal(await page.evaluate(focused), 'Hold …');
    assert.deepEqual((await world.get(path)).holds, []);

    await page.keyboard.press('Enter');
    await dialog.waitFor();
    if ((await page.evaluate(focused)) !== 'For how long') await reach(page, 'For how long');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('45m');
    await reach(page, 'Reason');
    await page.keyboard.type('typed, not clicked');
    await reach(page, 'API token');
    await page.keyboard.type(tokens.bob);
    await reach(page, 'Hold');
    await page.keyboard.press('Space');
    await dialog.locator('.done').waitFor();
    await untilPage(page, 'the focus on what goes on', () => document.activeElement?.innerText === 'Close');
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    assert.equal(await page.evaluate(focused), 'Hold …');
    const { holds: [held] } = await world.get(path);
    assert.deepEqual([held.actor, held.reason], ['bob', 'typed, not clicked']);
    await page.locator('.holds').getByText('typed, not clicked').waitFor();

    // Back up, and released.
    await reach(page, '← Overview', 'Shift+Tab');
    await reach(page, 'Release');
    await page.keyboard.press('Enter');
    const release = page.getByRole('dialog', { name: 'Release the hold' });
    await release.waitFor();
    if ((await page.evaluate(focused)) !== 'Release') await reach(page, 'Release');
    await page.keyboard.press('Enter');
    await release.locator('.done').waitFor();
    assert.deepEqual((await world.get(path)).holds, []);
  });
