import assert from 'node:assert/strict';
import { badge, browserTest, isSameLoad, markLoad, nameOf } from './browser_test.js';
import { badAndSteady } from './scenarios.js';
import { until } from './world.js';

/** What a bar says and draws, in the page. */
function barOf(name) {
  const bar = document.querySelector(`[role=progressbar][aria-label="Progress of ${name}"]`);
  if (bar === null) return null;
  const widthOf = (status) => bar.querySelector(`.${status}`)?.getBoundingClientRect().width ?? 0;
  return { percent: Number(bar.ariaValueNow), finished: widthOf('succeeded') + widthOf('failed'), width: bar.clientWidth };
}

browserTest('a whole rollout is followed without a reload: bars move, a rule breaches, and it is contained', {
  scenario: badAndSteady,
}, async ({ world, open }) => {
  const { page: overview } = await open();
  const rollout = await world.rollout();
  const { page } = await open(world.rolloutUrl(rollout));
  for (const each of [overview, page]) await markLoad(each);

  // The bars of the first wave move, and as far as the agent says.
  const name = nameOf(rollout);
  const bar = `wave 1 of ${name}`;
  for (const each of [overview, page])
    await until('a bar that has begun', async () => (await each.evaluate(barOf, bar))?.finished > 0);
  const early = [await overview.evaluate(barOf, bar), await page.evaluate(barOf, bar)];
  const share = await world.until('progress', 'api/v1/overview', ({ rollouts: [{ waves: [{ progress }] }] }) =>
    progress.finished / progress.orgs > early[1].percent / 100 + 0.05 && progress.finished / progress.orgs);
  for (const [index, each] of [overview, page].entries()) {
    const later = await until('a bar that has moved', async () => {
      const now = await each.evaluate(barOf, bar);
      const isDrawn = Math.abs(now.finished / now.width - now.percent / 100) < 0.03; // it glides there
      return isDrawn && now.percent >= Math.floor(share * 100) && now;
    });
    assert.ok(later.percent > early[index].percent, `${later.percent}% after ${early[index].percent}%`);
    assert.ok(later.finished > early[index].finished, `${later.finished} px after ${early[index].finished} px`);
  }

  // A rule breaches.
  const card = overview.getByRole('article', { name: `Rollout of ${name}` });
  await badge(card.locator('.badges'), 'Rules: Breached').waitFor();
  await badge(card.locator('.badges'), 'Aborted').waitFor();
  const rule = page.locator('.rule', { hasText: 'production / failure-rate' });
  await badge(rule, 'Breached').waitFor();
  await rule.locator('canvas').waitFor();

  // It is contained, and each wave's answer is told.
  const decision = page.locator('.decision');
  await decision.getByText('Confirmed: everything that could still be cancelled is').waitFor();
  const [told] = await world.until('the decision', 'api/v1/decisions', ({ decisions }) =>
    decisions[0]?.outcome === 'confirmed' && decisions[0].spared_orgs === 210 && decisions);
  await decision.getByText('210 orgs spared').waitFor();
  assert.ok((await rule.locator('.reason').innerText()).includes('lower bound'));
  assert.equal(await decision.locator('.reason').innerText(), told.reason);
  const plan = decision.getByRole('region', { name: 'Plan of the decision' }).locator('tbody tr');
  const rows = await plan.evaluateAll((found) => found.map((row) => [...row.cells].map((cell) => cell.innerText.trim())));
  assert.deepEqual(rows.map(([wave]) => wave), told.plan.map(({ request_id }) => {
    const index = rollout.waves.findIndex(({ id }) => id === request_id);
    return `Wave ${index + 1} ${request_id}`;
  }));
  assert.deepEqual(rows.map((row) => row[3]).sort(), ['cancelled', 'cancelled', 'cancelled', 'refused by Salesforce']);
  const refused = told.plan.find(({ outcome }) => outcome === 'refused');
  assert.match(refused.salesforce_message, /cancel/);
  assert.equal(rows.find((row) => row[3] === 'refused by Salesforce')[4],
    `${refused.salesforce_code ?? ''} ${refused.salesforce_message}`.trim());
  await decision.getByText(/^\d+ calls to Salesforce$/).waitFor();

  // The rest of the first wave comes to its end, and the page with it.
  const end = await world.until('the end', 'api/v1/overview', ({ rollouts: [{ jobs, progress }] }) =>
    jobs.created + jobs.pending + jobs.in_progress === 0 && { jobs, progress });
  for (const each of [overview, page]) {
    const counts = each.getByRole('list', { name: 'Orgs by status' }).first();
    await counts.getByText(`Failed ${end.jobs.failed}`).waitFor();
    await counts.getByText(`Spared ${end.jobs.canceled}`).waitFor();
    assert.ok(await isSameLoad(each), 'the page was loaded anew');
  }
  assert.equal(end.jobs.canceled, 210);
});
