import assert from 'node:assert/strict';
import { browserTest, nameOf, untilPage } from './browser_test.js';
import { startRelay } from './relay.js';
import { badAndShort } from './scenarios.js';

// What somebody may call an org who wants the page to do something else than to show it.
const names = [
  '<img src=x onerror="window.wasHacked=1">',
  '<script>window.wasHacked=1</script>',
  '</th></tr></table><h1 id="hostile">Nothing failed</h1>',
  '"><svg onload=window.wasHacked=1>\' autofocus onfocus=\'alert(1)',
  '<iframe srcdoc="<script>parent.wasHacked=1</script>"></iframe>',
  '<a href="javascript:alert(1)">click</a> <form action=//evil.example><button>go</button></form>',
  '&lt;b&gt;&#x3c;i&#x3e; ${window.wasHacked=1} {{constructor.constructor("alert(1)")()}}',
  '\u202Etxt.exe\u2066 \u202Dxyz',
  `${'W'.repeat(300)}${'👩‍👩‍👧‍👦'.repeat(20)}`,
];
const packageName = '<img src=x onerror=alert(1)>"\'\u202Exyz';

/** Gives each org, and each error of a job, one of the names: the same whenever it is asked. */
function rename(record) {
  const changed = { ...record };
  const nameFor = (id, turn = 0) => names[(Array.from(id).reduce((sum, letter) => sum + letter.charCodeAt(0), 0) + turn) % names.length];
  if ('OrgName' in record) changed.OrgName = nameFor(record.OrgKey);
  if ('ErrorTitle' in record) changed.ErrorTitle = nameFor(record.PackagePushJobId);
  if ('ErrorMessage' in record) changed.ErrorMessage = nameFor(record.PackagePushJobId, 4);
  return changed;
}

/** How many elements of each kind there are that hostile text could have made. */
const countElements = () =>
  Object.fromEntries(['img', 'script', 'iframe', 'form', 'svg', 'h1', '[id=hostile]', '[onload]', '[onerror]', '[onfocus]', '[autofocus]',
    'a[href^="javascript:"]'].map((kind) => [kind, document.querySelectorAll(kind).length]));

// The header has the only picture.
const clean = { img: 0, script: 1, iframe: 0, form: 0, svg: 1, h1: 1, '[id=hostile]': 0, '[onload]': 0, '[onerror]': 0, '[onfocus]': 0,
  '[autofocus]': 0, 'a[href^="javascript:"]': 0 };

/** Texts that turn the direction of writing: how many there are, and those that stand in one piece with others, which they turn too. */
const turning = () => {
  const found = { looked: 0, loose: [] };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text !== null; text = walker.nextNode()) {
    if (!/[\u202a-\u202e\u2066-\u2069]/.test(text.data)) continue;
    let piece = text.parentElement;
    const isOpen = ({ display, unicodeBidi }) => display === 'inline' && unicodeBidi === 'normal';
    while (isOpen(getComputedStyle(piece))) piece = piece.parentElement;
    found.looked += 1;
    if (piece.textContent !== text.data) found.loose.push(piece.outerHTML.slice(0, 300));
  }
  return found;
};

browserTest('hostile names stay text wherever they appear', {
  scenario: `${badAndShort.replace('rate: 25%', 'rate: 50%')}
package: { name: ${JSON.stringify(packageName)} }
`,
  between: (hub) => startRelay(hub, rename),
  more: 'orgs_file: customers.csv\n',
  files: { 'customers.csv': 'org_key,customer,tier,contact\n00D000000000000,nobody,,\n' },
}, async ({ world, open }) => {
  const rollout = await world.rollout();
  const path = `api/v1/rollouts/${rollout.hub}/${rollout.id}`;
  await world.until('the end', path, ({ jobs, decisions }) =>
    jobs.created + jobs.pending + jobs.in_progress === 0 && decisions[0]?.outcome === 'confirmed');
  const { orgs } = await world.get(`${path}/orgs?result=failed&limit=100`);
  // The agent takes 256 bytes.
  const quoted = (text) => `"${text.slice(0, 100).replaceAll('"', '""')}"`;
  world.write('customers.csv', `org_key,customer,tier,contact\n${orgs.map(({ org_key: key }, index) =>
    `${key},${quoted(names[index % names.length])},${quoted(names[(index + 1) % names.length])},\n`).join('')}`);
  world.agent.signal('SIGHUP');
  const failed = await world.until('customers', `${path}/orgs?result=failed&limit=100`, (answer) => answer.orgs[0].customer && answer.orgs);
  for (const name of names.slice(0, 7)) {
    assert.ok(failed.some((org) => org.org_name === name), `no org that failed is called ${name}`);
    assert.ok(failed.some((org) => org.error_title === name), `no error is called ${name}`);
  }

  const { page, context } = await open();
  assert.equal(rollout.package_name, packageName);
  assert.equal(await page.locator('.card h3 a').innerText(), nameOf(rollout));
  assert.deepEqual(await page.evaluate(countElements), clean);
  assert.deepEqual((await page.evaluate(turning)).loose, []);
  await page.locator('.card h3 a').click();
  await page.locator('.decision').waitFor();

  // The table of orgs, whose every cell is what the agent says.
  const panel = page.getByRole('region', { name: 'Orgs', exact: true });
  await panel.getByRole('combobox', { name: 'Result' }).selectOption('Failed');
  await panel.getByRole('status').getByText(`of ${failed.length} orgs`).waitFor();
  const cells = await panel.locator('tbody tr').evaluateAll((rows) => rows.map((row) => ({
    org_name: row.querySelector('.clip').textContent,
    customer: row.querySelector('[data-name=Customer]').textContent,
    error: row.querySelector('.error-cell').textContent,
  })));
  assert.deepEqual(cells, failed.map((org) => ({
    org_name: org.org_name,
    customer: `${org.customer} ${org.tier}`,
    error: org.error_type ? `${org.error_type} ${org.error_title} ${org.error_message}` : '',
  })));

  // Failures, by what orgs told.
  const { groups } = await world.get(`${path}/failures?by=signature`);
  await page.getByRole('button', { name: /^Show all \d+ groups$/ }).click();
  await untilPage(page, 'all groups', (count) => document.querySelectorAll('.group-value').length === count, groups.length);
  assert.deepEqual((await page.locator('.group-value').allTextContents()).sort(), groups.map(({ value }) => value).sort());
  assert.ok(groups.some(({ value }) => value.includes('<script>')), 'no group has a hostile name');

  // The samples of the decision.
  const [decision] = (await world.get('api/v1/decisions')).decisions;
  const samples = await page.locator('.decision ul li').allTextContents();
  assert.equal(samples.length, decision.error_signatures.length);
  for (const { signature } of decision.error_signatures)
    assert.ok(samples.some((text) => text.endsWith(`: ${signature}`)), `${signature} is not among ${samples}`);
  assert.ok(samples.some((text) => /[<"]/.test(text)), 'no sample has a hostile name');

  // Nothing came of it: no element, no script, no turned text beside the names, and no page wider than the window.
  const found = await page.evaluate(countElements);
  assert.deepEqual(found, clean);
  assert.equal(await page.evaluate(() => 'wasHacked' in window), false);
  assert.equal(context.pages().length, 1);
  const { looked, loose } = await page.evaluate(turning);
  assert.ok(looked > 10, `only ${looked} texts turn the direction`);
  assert.deepEqual(loose, []);
  for (const width of [360, 1280]) {
    await page.setViewportSize({ width, height: 900 });
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `wider than ${width} pixels`);
  }

  // A dialog names the package too.
  await page.getByRole('button', { name: 'Resume' }).click();
  assert.ok((await page.locator('dialog').innerText()).includes(packageName));
  assert.deepEqual(await page.evaluate(countElements), { ...clean, form: 1 });
  assert.deepEqual((await page.evaluate(turning)).loose, []);
});
