import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { badge, browserTest, isSameLoad, markLoad } from './browser_test.js';
import { badAndLong, slow } from './scenarios.js';
import { patience, tokens, until } from './world.js';

const button = (page, name) => page.getByRole('group', { name: 'Actions on this rollout' }).getByRole('button', { name, exact: true });

/** Presses a button of the page, fills the dialog in and sends it; answers what it says then, and closes it. */
async function act(page, name, { title, send = name, fill = {} }) {
  await button(page, name).click();
  const dialog = page.getByRole('dialog', { name: title });
  for (const [label, value] of Object.entries(fill)) await dialog.getByLabel(label).fill(value);
  await dialog.getByRole('button', { name: send, exact: true }).click();
  const answer = await dialog.locator('.done').innerText();
  await dialog.getByRole('button', { name: 'Close' }).click();
  await dialog.waitFor({ state: 'detached' });
  return answer;
}

/** Where a token is kept, in the page. */
const kept = async (page, token) => ({
  session: await page.evaluate((wanted) => Object.values(sessionStorage).includes(wanted), token),
  elsewhere: await page.evaluate((wanted) =>
    [document.cookie, location.href, JSON.stringify(localStorage), document.body.outerHTML].some((text) => text.includes(wanted)), token)
    || (await page.context().cookies()).length > 0,
});

/** Asks the hub itself how many jobs of a status there are: before there is an agent that could tell. */
async function countJobs(world, status) {
  const login = await fetch(new URL('/services/oauth2/token', world.hubUrl), {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', client_id: 'simulated-client', client_secret: 'simulated-secret' }),
  });
  const { access_token: token } = await login.json();
  return until(`jobs that are ${status}`, async () => {
    const query = new URLSearchParams({ q: `SELECT COUNT(Id) jobs FROM PackagePushJob WHERE Status = '${status}'` });
    const reply = await fetch(new URL(`/services/data/v62.0/query?${query}`, world.hubUrl), {
      headers: { Authorization: `Bearer ${token}` },
    });
    if (reply.status !== 200) throw new Error(`the hub answered ${reply.status} ${await reply.text()}`);
    return (await reply.json()).records[0].jobs >= 30;
  });
}

// Much of their time is waiting.
describe('operators act', { concurrency: 2 }, () => {
  browserTest('an operator holds, releases and aborts a rollout with a token that only the tab keeps', { scenario: slow },
    async ({ world, open }) => {
      const rollout = await world.rollout();
      const path = `api/v1/rollouts/${rollout.hub}/${rollout.id}`;
      await world.until('a running wave', path, ({ jobs }) => jobs.in_progress > 0);
      const { page, context, expected } = await open(world.rolloutUrl(rollout));
      await markLoad(page);

      // What makes no sense now is off, and says why.
      assert.ok(await button(page, 'Release').isDisabled());
      assert.equal(await button(page, 'Release').getAttribute('title'), 'The rollout is not held.');
      assert.equal(await button(page, 'Resume').getAttribute('title'), 'The rollout is not aborted.');

      // The token is asked for before anything is sent.
      const posts = [];
      page.on('request', (request) => {
        if (request.method() === 'POST') posts.push(request.url());
      });
      await button(page, 'Hold …').click();
      const dialog = page.getByRole('dialog', { name: 'Hold the rollout' });
      const problem = dialog.getByRole('alert');
      await dialog.getByLabel('For how long').fill('2h');
      await dialog.getByRole('button', { name: 'Hold' }).click();
      await problem.getByText('Say why: the reason stands in the audit trail.').waitFor();
      await dialog.getByLabel('Reason').fill('a customer called');
      await dialog.getByRole('button', { name: 'Hold' }).click();
      await problem.getByText('Enter your API token.').waitFor();
      // Chromium logs each answer that is no success.
      expected.push(/the server responded with a status of 401/);
      await dialog.getByLabel('API token').fill('this-is-nobodys-token');
      await dialog.getByRole('button', { name: 'Hold' }).click();
      await problem.getByText('The agent does not know this token.').waitFor();
      expected.length = 0;
      assert.deepEqual(posts, []);
      assert.deepEqual((await world.get(path)).holds, []);
      assert.deepEqual(await kept(page, 'this-is-nobodys-token'), { session: false, elsewhere: false });

      // With the right one it is held.
      await dialog.getByLabel('API token').fill(tokens.ann);
      await dialog.getByRole('button', { name: 'Hold' }).click();
      await dialog.locator('.done').waitFor();
      await dialog.getByRole('button', { name: 'Close' }).click();
      const { holds: [hold], held } = await world.get(path);
      assert.deepEqual({ held, actor: hold.actor, reason: hold.reason }, { held: true, actor: 'ann', reason: 'a customer called' });
      const length = Date.parse(hold.until) - Date.now();
      assert.ok(Math.abs(length - 7_200_000) < patience, `held for ${length} ms`);
      await page.locator('.holds').getByText('by ann: a customer called').waitFor();
      await badge(page.locator('.badges'), 'Held').waitFor();
      await page.getByText('Acting as ann').waitFor();
      assert.deepEqual(await kept(page, tokens.ann), { session: true, elsewhere: false });
      // Another tab has to be told again.
      const other = await context.newPage();
      await other.goto(world.rolloutUrl(rollout));
      await button(other, 'Release').click();
      await other.getByRole('dialog').getByLabel('API token').waitFor();
      await other.close();

      // Released.
      await act(page, 'Release', { title: 'Release the hold' });
      assert.deepEqual((await world.get(path)).holds, []);
      await page.locator('.holds').waitFor({ state: 'detached' });
      await badge(page.locator('.badges'), 'Held').waitFor({ state: 'detached' });

      // Aborted: the dialog says what can be stopped and what cannot, and asks twice.
      await button(page, 'Abort …').click();
      const abort = page.getByRole('dialog', { name: 'Abort the rollout' });
      const reach = abort.locator('.reach li');
      assert.equal(await reach.nth(0).innerText(), 'Can be stopped: 2 waves not started yet, 140 orgs spared.');
      const { jobs: { in_progress: inFlight } } = (await world.get(path)).waves[0];
      assert.equal(inFlight, 10, 'as many as run at once');
      await reach.nth(1).getByText(/^Cannot be stopped: 1 wave already running: \d+ orgs in flight and \d+ still to start\. /).waitFor();
      await until('the numbers of the wave that runs', async () => {
        const [, flying, waiting] = /: (\d+) orgs in flight and (\d+) still/.exec(await reach.nth(1).innerText());
        const { jobs } = (await world.get(path)).waves[0];
        return Number(flying) === jobs.in_progress && Number(waiting) === jobs.created + jobs.pending;
      });
      await abort.getByRole('button', { name: 'Abort …' }).click();
      await abort.getByRole('alert').getByText('Say why').waitFor();
      await abort.getByLabel('Reason').fill('wrong version');
      await abort.getByRole('button', { name: 'Abort …' }).click();
      await abort.getByText('2 waves will be cancelled and 140 orgs spared').waitFor();
      assert.ok((await abort.locator('.sure').innerText()).includes('Reason: “wrong version”'));
      assert.deepEqual((await world.get(path)).decisions, [], 'aborted after the first click');
      assert.ok(!posts.some((url) => url.endsWith('/abort')), posts.join(' '));
      await abort.getByRole('button', { name: 'Yes, abort now' }).click();
      await abort.locator('.done').waitFor();
      await abort.getByText('140 orgs spared').waitFor();
      await abort.getByRole('button', { name: 'Close' }).click();
      const aborted = await world.until('the decision', path, ({ state, decisions }) =>
        decisions[0]?.outcome && { state, decision: decisions[0] });
      assert.equal(aborted.state, 'aborted');
      assert.equal(aborted.decision.actor, 'ann');
      assert.match(aborted.decision.reason, /wrong version/);
      await world.until('both waves canceled', path, ({ waves }) => waves.slice(1).every(({ status }) => status === 'canceled'));
      await badge(page.locator('.badges'), 'Aborted').waitFor();
      await badge(page.locator('.wave').nth(2), 'Canceled').waitFor();
      const row = page.locator('.decision tbody tr');
      await row.filter({ hasText: 'Wave 2' }).getByText('cancelled', { exact: true }).waitFor();
      await row.filter({ hasText: 'Wave 1' }).getByText('refused by Salesforce', { exact: true }).waitFor();

      // The token can be forgotten.
      await page.getByRole('button', { name: 'Forget token' }).click();
      assert.deepEqual(await kept(page, tokens.ann), { session: false, elsewhere: false });
      await button(page, 'Resume').click();
      await page.getByRole('dialog').getByLabel('API token').waitFor();
      assert.ok(await isSameLoad(page));
    });

  browserTest('a rule that was breached before the agent came is armed by hand, acts when the hold ends, and the rollout is resumed', {
    scenario: badAndLong,
    agentWaits: true,
  }, async ({ world, open }) => {
    await countJobs(world, 'Failed');
    await world.startAgent();
    const rollout = await world.rollout();
    const path = `api/v1/rollouts/${rollout.hub}/${rollout.id}`;
    const { page } = await open(world.rolloutUrl(rollout));
    const rule = page.locator('.rule', { hasText: 'production / failure-rate' });
    await rule.getByText('breached before arming: only alerts, until it is armed').waitFor();
    await badge(rule, 'Not armed').waitFor();

    await act(page, 'Hold …', { title: 'Hold the rollout', send: 'Hold', fill: { Reason: 'first look', 'API token': tokens.bob } });
    await page.locator('.holds').getByText('by bob: first look').waitFor();

    // Armed, but held: nothing is done.
    await act(page, 'Arm', { title: 'Arm the rules' });
    const armed = await world.until('an armed rule', path, ({ rules, ...rest }) =>
      rules.find((each) => each.rule === 'failure-rate' && each.armed && each.follows === 'held') && rest);
    assert.deepEqual(armed.decisions, []);
    await badge(rule, 'Armed').waitFor();
    await rule.getByText('held: nothing is done').waitFor();
    assert.ok(await button(page, 'Arm').isDisabled());
    assert.equal(await button(page, 'Arm').getAttribute('title'), 'Every rule is armed.');

    // Released, it acts.
    await act(page, 'Release', { title: 'Release the hold' });
    await page.locator('.decision').getByText('Confirmed: everything that could still be cancelled is').waitFor();
    const [decision] = (await world.get(path)).decisions;
    assert.deepEqual([decision.policy, decision.rule, decision.outcome], ['production', 'failure-rate', 'confirmed']);
    await badge(page.locator('.badges'), 'Aborted').waitFor();
    const { epoch } = await world.get(path);

    // Resumed, the next epoch begins; under a hold, since what runs goes on failing.
    await act(page, 'Hold …', { title: 'Hold the rollout', send: 'Hold', fill: { Reason: 'mending' } });
    await act(page, 'Resume', { title: 'Resume the rollout', fill: { 'Reason (optional)': 'mended' } });
    const resumed = await world.get(path);
    assert.equal(resumed.state, 'running');
    assert.equal(resumed.epoch, epoch + 1);
    await badge(page.locator('.badges'), 'Running').waitFor();
    await badge(page.locator('.badges'), 'Was aborted').waitFor();
    await page.locator('h1').getByText(`epoch ${epoch + 1}`).waitFor();
    await page.getByText(/^■ Aborted at .*, resumed at /).waitFor();

    // It has not been mended: the rule acts in the new epoch too, and what was resumed is no longer told.
    await act(page, 'Release', { title: 'Release the hold' });
    await page.locator('.decision').nth(1).waitFor();
    await page.getByText(/^■ Aborted at [^,]*$/).waitFor();
    const decisions = (await world.get(path)).decisions.map((each) => each.epoch);
    assert.deepEqual(decisions.sort(), [epoch, epoch + 1]);
  });
});
