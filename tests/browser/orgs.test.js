import assert from 'node:assert/strict';
import fs from 'node:fs';
import { browserTest } from './browser_test.js';
import { badAndShort } from './scenarios.js';

async function downloaded(page, link) {
  const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
  return { name: download.suggestedFilename(), lines: fs.readFileSync(await download.path(), 'utf8').split(/\r?\n/).filter(Boolean) };
}

browserTest('the table of orgs filters, searches and pages, and its files hold all that failed or were spared', {
  scenario: badAndShort,
}, async ({ world, open }) => {
  const rollout = await world.rollout();
  const path = `api/v1/rollouts/${rollout.hub}/${rollout.id}`;
  await world.until('the end', path, ({ jobs, decisions }) =>
    jobs.created + jobs.pending + jobs.in_progress === 0 && decisions[0]?.outcome === 'confirmed');
  const all = [];
  for (let after = ''; after !== null;) {
    const answer = await world.get(`${path}/orgs?limit=100${after && `&after=${after}`}`);
    all.push(...answer.orgs);
    after = answer.next;
  }
  assert.equal(all.length, 300);
  const failed = all.filter(({ status }) => status === 'failed');
  const spared = all.filter((each) => each.spared);
  assert.ok(failed.length > 10 && spared.length === 210, `${failed.length} failed, ${spared.length} spared`);

  const { page } = await open(world.rolloutUrl(rollout));
  const panel = page.getByRole('region', { name: 'Orgs', exact: true });
  const search = panel.getByRole('searchbox', { name: 'Search' });
  const shown = (text) => panel.getByRole('status').getByText(text, { exact: true }).waitFor();
  const keys = () => panel.locator('tbody th code').allInnerTexts();

  // Pages.
  await shown('1 to 100 of 300 orgs');
  const pages = [await keys()];
  for (const text of ['101 to 200 of 300 orgs', '201 to 300 of 300 orgs']) {
    await panel.getByRole('button', { name: 'Next page of orgs' }).click();
    await shown(text);
    pages.push(await keys());
  }
  assert.ok(await panel.getByRole('button', { name: 'Next page of orgs' }).isDisabled());
  assert.deepEqual(pages.flat(), all.map(({ org_key }) => org_key));
  await panel.getByRole('button', { name: 'Previous page of orgs' }).click();
  await shown('101 to 200 of 300 orgs');
  assert.deepEqual(await keys(), pages[1]);

  // Filters begin at the first page again.
  await panel.getByRole('combobox', { name: 'Result' }).selectOption('Failed');
  await shown(`1 to ${failed.length} of ${failed.length} orgs`);
  assert.deepEqual(await keys(), failed.map(({ org_key }) => org_key));
  const type = failed[0].error_type;
  const ofType = failed.filter(({ error_type }) => error_type === type);
  await panel.getByRole('combobox', { name: 'Error type' }).selectOption(type);
  await shown(`1 to ${ofType.length} of ${ofType.length} org${ofType.length === 1 ? '' : 's'}`);
  await panel.getByRole('button', { name: 'Clear all filters' }).click();
  await panel.getByRole('combobox', { name: 'Wave' }).selectOption('Wave 3');
  await shown('1 to 70 of 70 orgs');
  await panel.getByRole('button', { name: 'Clear all filters' }).click();
  await shown('1 to 100 of 300 orgs');

  // Search, by name and by key.
  const wanted = all[42];
  const named = all.filter(({ org_name }) => org_name.includes(wanted.org_name));
  await search.fill(wanted.org_name);
  await shown(`1 to ${named.length} of ${named.length} org${named.length === 1 ? '' : 's'}`);
  assert.ok((await keys()).includes(wanted.org_key));
  await search.fill(wanted.org_key);
  await shown('1 to 1 of 1 org');
  assert.deepEqual(await keys(), [wanted.org_key]);
  await search.fill('nobody is called so');
  await shown('No org matches.');

  // A group of failures leads to its orgs.
  await page.getByRole('radio', { name: 'Type', exact: true }).check();
  await page.locator('.group', { hasText: type }).click();
  await shown(`1 to ${ofType.length} of ${ofType.length} org${ofType.length === 1 ? '' : 's'}`);
  assert.deepEqual(await keys(), ofType.map(({ org_key }) => org_key));

  // Files.
  for (const [words, orgs] of [['failed', failed], ['spared', spared]]) {
    const links = panel.locator(`.downloads a[href*="result=${words}"]`);
    const ids = await downloaded(page, links.getByText('org ids'));
    assert.deepEqual(ids.lines.map((id) => id.slice(0, 15)).sort(), orgs.map(({ org_key }) => org_key.slice(0, 15)).sort());
    const csv = await downloaded(page, links.getByText('CSV'));
    assert.match(csv.name, /\.csv$/);
    assert.equal(csv.lines.length, orgs.length + 1);
    assert.match(csv.lines[0], /org_key/);
    for (const { org_key: key } of orgs) assert.ok(csv.lines.some((line) => line.includes(key)), `${key} is missing`);
  }
});
