'use strict';

// Holds docs/openapi.yaml against running agents: everything they answer must be documented, and what is documented
// must come, but for what `notProvoked` says.
// Usage: node openapi_agent.js '{"document", "agent", "waiting", "configuration", "tokens"}'
//   agent          URL of one that acts, whose rollout fails
//   waiting        URL of one that waits for the first one's store and asks for passwords (alice:secret)
//   configuration  the files of the two, {agent, waiting}
//   tokens         API tokens, which both take; each is used for a part, so that none asks too often

const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const { OpenApiDocument } = require('./openapi_document.js');

const options = JSON.parse(process.argv[2]);
const document = new OpenApiDocument(options.document);
const patience = 60_000;
const basic = `Basic ${Buffer.from('alice:secret').toString('base64')}`;

const problems = new Set();
const seen = new Set(); // `operationId status`

const told = new Set(); // problems without the bodies, which differ from time to time
const tell = (found, reply) => {
  for (const problem of found) {
    if (!told.has(problem)) problems.add(`${problem}: ${reply.body.slice(0, 300)}`);
    told.add(problem);
  }
};

const expect = (isRight, what) => {
  if (!isRight) problems.add(what);
};

// ---- Asking

function send(base, method, target, { headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request(new URL(target, base), { method, headers, agent: false }, (response) => {
      const pieces = [];
      response.on('data', (piece) => pieces.push(piece));
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(pieces).toString() }));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

function fill(operation, values) {
  return operation.path.replaceAll(/\{([a-z]+)\}/g, (_, name) => encodeURIComponent(values[name]));
}

// Asks, and holds the answer against the document.
async function ask(base, id, { values = {}, query = '', status, ...rest } = {}) {
  const operation = document.operation(id);
  const target = fill(operation, values) + query;
  const reply = await send(base, operation.method, target, rest);
  tell(document.problemsOf(operation, reply), reply);
  const key = String(reply.status) in operation.responses ? reply.status : 'default';
  seen.add(`${id} ${key}`);
  if (status !== undefined)
    expect(reply.status === status,
      `${operation.method} ${target}: ${reply.status} instead of ${status}: ${reply.body.slice(0, 200)}`);
  return reply;
}

const get = async (id, parameters) => JSON.parse((await ask(options.agent, id, { status: 200, ...parameters })).body);

// Asks again until an answer is right.
async function until(what, isRight) {
  const end = Date.now() + patience;
  for (;;) {
    const got = await isRight();
    if (got) return got;
    if (Date.now() > end) throw new Error(`${what} did not come within ${patience / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

let turn = 0;
function authorization() {
  turn = (turn + 1) % options.tokens.length;
  return { Authorization: `Bearer ${options.tokens[turn]}` };
}

const json = { 'Content-Type': 'application/json' };

// Asks as someone who may.
const act = (id, { body, headers = {}, base = options.agent, ...rest } = {}) =>
  ask(base, id, {
    headers: { ...authorization(), ...(body === undefined ? {} : json), ...headers },
    body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    ...rest,
  });

// ---- Following

// Reads events and holds each against its schema, until it is stopped.
function follow(query, headers = {}) {
  const operation = document.operation('followChanges');
  const answer = `${operation.pointer}/responses/200/content/text~1event-stream/x-events`;
  const stream = { events: [], ids: [], text: '' };
  stream.opened = new Promise((resolve, reject) => {
    stream.request = http.request(new URL(operation.path + query, options.agent), { headers, agent: false }, (response) => {
      stream.status = response.statusCode;
      stream.headers = response.headers;
      response.setEncoding('utf8');
      response.on('error', () => {}); // it is ended from here
      response.on('data', (piece) => {
        stream.text += piece;
        const blocks = stream.text.split('\n\n');
        stream.text = blocks.pop();
        for (const block of blocks) take(block);
      });
      resolve(stream);
    });
    stream.request.on('error', reject);
    stream.request.end();
  });
  function take(block) {
    if (block === 'retry: 2000') {
      expect(stream.events.length === 0, 'retry does not come first');
      stream.hasRetry = true;
      return;
    }
    const lines = Object.fromEntries(block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
    expect(Object.keys(lines).every((name) => ['id', 'event', 'data'].includes(name)), `an event of other lines: ${block}`);
    expect('id' in lines === (lines.event !== 'ping'), `the id of ${block.slice(0, 200)}`);
    expect(stream.hasRetry, 'there is no retry');
    stream.events.push(lines.event);
    if (lines.id) stream.ids.push(lines.id);
    if (document.at(`${answer}/${lines.event}`) === undefined) {
      problems.add(`the event ${lines.event} is not documented`);
      return;
    }
    const wrong = document.complaint(`${answer}/${lines.event}`, JSON.parse(lines.data));
    if (wrong) tell([`the event ${lines.event}: ${wrong}`], { body: lines.data });
  }
  stream.end = () => stream.request.destroy();
  return stream;
}

async function checkStream(first) {
  expect(first.events[0] === 'reset', `the first event is ${first.events[0]}, not reset`);
  for (const type of ['hub', 'rollout', 'rule', 'decision', 'hold', 'alert', 'ping'])
    await until(`the event ${type}`, () => first.events.includes(type));
  await until('a job or how many', () => first.events.includes('job') || first.events.includes('jobs'));
  const resumed = await follow('?types=hub,rollout', { 'Last-Event-ID': first.ids.at(-1) }).opened;
  await until('a ping', () => resumed.events.includes('ping'));
  expect(!resumed.events.includes('reset'), 'a stream that goes on begins anew');
  expect(resumed.events.every((name) => ['hub', 'rollout', 'forgotten', 'ping'].includes(name)), `types: ${resumed.events}`);
  resumed.end();
  const lost = await follow(`?last_event_id=${encodeURIComponent('another-1')}`).opened;
  await until('a reset', () => lost.events.length > 0);
  expect(lost.events[0] === 'reset', 'a place that is not known is gone on from');
  lost.end();
  await ask(options.agent, 'followChanges', { query: '?types=hub,nothing', status: 400 });

  // One is open, and two that were left may not have been noticed to be gone.
  const streams = [];
  for (;;) {
    const stream = await follow('?types=agent').opened;
    streams.push(stream);
    if (stream.status !== 200 || streams.length > 256) break;
  }
  expect(streams.length >= 254 && streams.length <= 256, `stream ${streams.length} is the first that is refused`);
  await ask(options.agent, 'followChanges', { status: 503 });
  for (const stream of streams) stream.end();
}

// ---- Reading

const simpleReads = [
  'getOverview', 'listRollouts', 'listRequests', 'listHolds', 'listAlerts', 'listDecisions', 'getAuditTrail',
  'getMetrics', 'getOrgMetrics', 'getHealth', 'getReadiness', 'getPage',
];
const rolloutReads = ['getRollout', 'getLatestRollout', 'getRolloutHistory', 'getRolloutFailures', 'listOrgs'];
const requestReads = ['getRequest', 'listJobs'];

async function readAll(known) {
  for (const id of simpleReads) await ask(options.agent, id);
  for (const id of rolloutReads) await ask(options.agent, id, { values: known, status: 200 });
  for (const id of requestReads) await ask(options.agent, id, { values: known, status: 200 });
}

// All pages of a list, one by one where it is short.
async function pages(id, member, { values, limit, parameter, query = '' }) {
  const all = [];
  let at = '';
  for (let count = 0; count < 1000; ++count) {
    const page = await get(id, { values, query: `?limit=${limit}${query}${at}` });
    all.push(...page[member]);
    expect(page[member].length <= limit, `${id} gives more than ${limit}`);
    if (page.next === null) break;
    at = `&${parameter}=${encodeURIComponent(page.next)}`;
  }
  return all;
}

async function checkLists(known) {
  const values = known;
  const whole = await get('listOrgs', { values, query: '?limit=2000' });
  const orgs = await pages('listOrgs', 'orgs', { values, limit: 97, parameter: 'after' });
  expect(JSON.stringify(orgs) === JSON.stringify(whole.orgs), 'the pages of orgs are not the whole');
  expect(whole.matching === whole.orgs.length && whole.matching > 100, 'not as many orgs match as come');
  for (const result of ['failed', 'succeeded', 'spared', 'running']) {
    const { matching } = await get('listOrgs', { values, query: `?result=${result}&limit=1` });
    expect(result === 'running' || matching > 0, `no org ${result}`);
  }
  const [one] = whole.orgs.filter((org) => org.error_type !== null);
  for (const query of [`wave=${one.request_id}`, `error_type=${one.error_type}`, `sf_instance=${one.sf_instance}`,
    `org_type=${one.org_type}`, `q=${one.org_key.slice(0, 15)}`, `q=${encodeURIComponent(one.org_name.slice(1).toUpperCase())}`, 'q=no+such+org']) {
    const page = await get('listOrgs', { values, query: `?${query}` });
    expect(query === 'q=no+such+org' || page.matching > 0, `no org for ${query}`);
  }
  const csv = await ask(options.agent, 'listOrgs', { values, query: '?format=csv&result=failed', status: 200 });
  expect(csv.headers['content-type'].startsWith('text/csv'), 'a csv of another type');
  const ids = await ask(options.agent, 'listOrgs', { values, query: '?format=ids&limit=3', status: 200 });
  expect(ids.body.trim().split('\n').length === whole.matching, 'not all ids');
  expect(ids.headers['content-disposition']?.startsWith('attachment'), 'the ids are no attachment');

  for (const by of ['signature', 'error_type', 'sf_instance', 'org_type', 'from_version']) {
    const found = await get('getRolloutFailures', { values, query: `?by=${by}` });
    expect(found.by === by && found.groups.length > 0, `no failures by ${by}`);
    for (const group of found.groups.filter(({ value }) => value !== '')) {
      const query = `?result=failed&${by}=${encodeURIComponent(group.value)}`;
      const { matching } = await get('listOrgs', { values, query });
      expect(matching === group.failed, `${matching} orgs for ${query} instead of ${group.failed}`);
    }
  }
  const history = await get('getRolloutHistory', { values });
  expect(history.rules.some((rule) => rule.points.length > 0), 'no rule has points');

  const jobs = await pages('listJobs', 'jobs', { values, limit: 7, parameter: 'after' });
  const failed = await pages('listJobs', 'jobs', { values, limit: 7, parameter: 'after', query: '&status=failed' });
  expect(failed.length === jobs.filter((job) => job.status === 'failed').length, 'not every failed job');
  const entries = await pages('getAuditTrail', 'entries', { limit: 3, parameter: 'after' });
  expect(entries.every((entry, i) => entry.sequence === i + 1), 'the trail has gaps');
  const lines = await ask(options.agent, 'getAuditTrail', { query: '?format=ndjson&limit=2', status: 200 });
  for (const line of lines.body.trim().split('\n')) {
    const wrong = document.complaint('/components/schemas/AuditEntry', JSON.parse(line));
    expect(wrong === '', `a line of the trail: ${wrong}`);
  }
  const decisions = await pages('listDecisions', 'decisions', { limit: 1, parameter: 'before' });
  expect(decisions.length > 0 && decisions[0].calls.length > 0, 'a decision has no calls');
  await get('listDecisions', { query: `?hub=${values.hub}&rollout=${encodeURIComponent(`${values.version}/1`)}` });

  const openmetrics = 'application/openmetrics-text;version=1.0.0';
  for (const id of ['getMetrics', 'getOrgMetrics']) {
    const open = await ask(options.agent, id, { headers: { Accept: openmetrics }, status: 200 });
    expect(open.headers['content-type'].startsWith('application/openmetrics-text') && open.body.endsWith('# EOF\n'),
      `${id} does not speak OpenMetrics`);
    const text = await ask(options.agent, id, { status: 200 });
    expect(text.headers['content-type'].startsWith('text/plain'), `${id} has no text format`);
  }
}

async function checkPage() {
  const page = await ask(options.agent, 'getPage', { status: 200 });
  const tag = page.headers.etag;
  if (tag === undefined) {
    console.log('the page was left out of this build: its files are not looked at');
    return false;
  }
  await ask(options.agent, 'getPage', { headers: { 'If-None-Match': tag }, status: 304 });
  const names = [...page.body.matchAll(/assets\/([^"' ]+)/g)].map((match) => match[1]);
  expect(names.length > 1, 'the page has no files');
  for (const name of names) {
    const file = await ask(options.agent, 'getAsset', { values: { name }, status: 200 });
    await ask(options.agent, 'getAsset', { values: { name }, headers: { 'If-None-Match': file.headers.etag }, status: 304 });
  }
  return true;
}

async function checkRefusedReads(known) {
  await ask(options.agent, 'getAsset', { values: { name: 'no-such-file.js' }, status: 404 });
  const wrongRollouts = [[{ ...known, version: known.id }, 400], [{ ...known, version: 'x' }, 400], [{ ...known, hub: 'other' }, 404]];
  for (const id of rolloutReads)
    for (const [values, status] of wrongRollouts) await ask(options.agent, id, { values, status });
  for (const id of rolloutReads.filter((name) => name !== 'getLatestRollout')) {
    await ask(options.agent, id, { values: { ...known, number: '0' }, status: 400 });
    await ask(options.agent, id, { values: { ...known, number: '99' }, status: 404 });
  }
  for (const id of requestReads) {
    await ask(options.agent, id, { values: { id: known.version }, status: 400 });
    await ask(options.agent, id, { values: { id: '0DV00000000zzzz' }, status: 404 });
  }
  const wrongQueries = {
    listOrgs: ['limit=0', 'limit=2001', 'limit=x', 'result=lost', 'wave=x', 'error_type=x', 'org_type=x', 'format=xml'],
    listJobs: ['limit=0', 'limit=2001', 'status=lost', 'after=x'],
    getRolloutFailures: ['by=moon'],
    listDecisions: ['limit=0', 'before=0', 'hub=devhub', `hub=devhub&rollout=${known.version}`],
    getAuditTrail: ['limit=0', 'after=-1', 'format=xml'],
  };
  for (const [id, queries] of Object.entries(wrongQueries))
    for (const query of queries) await ask(options.agent, id, { values: known, query: `?${query}`, status: 400 });
}

// What may come of any request, and HEAD.
async function checkEveryPath(known) {
  for (const operation of document.operations.filter((each) => each.method === 'GET')) {
    const target = fill(operation, { ...known, name: 'none' });
    const refused = await send(options.agent, 'DELETE', target);
    const isUnknown = refused.status === 404 && operation.operationId === 'getAsset'; // in a build without the page
    expect(refused.status === 405 || isUnknown, `DELETE ${target}: ${refused.status}`);
    for (const problem of document.problemsOf(operation, refused)) problems.add(problem);
    seen.add(`${operation.operationId} default`);
    if (operation.operationId === 'followChanges') continue;
    const head = await send(options.agent, 'HEAD', target, operation.operationId === 'getActor' ? { headers: authorization() } : {});
    const wanted = operation.operationId === 'getAsset' ? 404 : 200;
    expect(head.status === wanted, `HEAD ${target}: ${head.status}`);
    for (const problem of document.problemsOf(operation, head, false)) problems.add(`HEAD: ${problem}`);
  }
  const operation = document.operation('listHolds');
  const large = await raw(`GET ${operation.path} HTTP/1.1\r\nHost: a\r\nX-Large: ${'x'.repeat(40_000)}\r\n\r\n`);
  const wrong = await raw('GET /api/v1/holds HTTP/1.1\r\n\r\n');
  const body = await raw(`GET ${operation.path} HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n`);
  for (const [reply, status] of [[large, 431], [wrong, 400], [body, 413]]) {
    expect(reply.status === status, `${reply.status} instead of ${status}: ${reply.body}`);
    for (const problem of document.problemsOf(operation, reply)) problems.add(problem);
  }
  const nothing = await send(options.agent, 'GET', '/api/v1/nothing');
  expect(nothing.status === 404 && document.complaint('/components/schemas/NotFoundError', JSON.parse(nothing.body)) === '',
    'an unknown path');
}

// What a client that builds its requests by the rules cannot send.
function raw(text) {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(options.agent);
    const wire = net.connect(Number(port), hostname);
    let got = '';
    wire.on('data', (piece) => (got += piece));
    wire.on('error', reject);
    wire.on('end', () => {
      const [head, ...rest] = got.split('\r\n\r\n');
      const [line, ...fields] = head.split('\r\n');
      const headers = Object.fromEntries(fields.map((field) => [field.slice(0, field.indexOf(':')).toLowerCase(), field.slice(field.indexOf(':') + 2)]));
      resolve({ status: Number(line.split(' ')[1]), headers, body: rest.join('\r\n\r\n') });
    });
    wire.write(text);
  });
}

// ---- Changing

const mutations = document.operations.filter((each) => each.method === 'POST').map((each) => each.operationId);
const hold = { reason: 'let me look', for: '1h' };
const goodBody = (id) => {
  const body = document.operation(id).requestBody;
  if (!body) return undefined;
  const { example } = document.resolve(body).value.content['application/json'];
  return example;
};
const valuesFor = (id, known) => (id.includes('Alert') ? { id: known.alert } : known);

async function checkMutations(known) {
  const fingerprint = await until('an alert', async () => {
    const { alerts } = await get('listAlerts');
    // Those of containments end by themselves.
    return alerts.find((alert) => alert.name === 'PushguardRuleBreached' && alert.state === 'firing')?.fingerprint;
  });
  const values = { ...known, alert: fingerprint };
  await act('acknowledgeAlert', { values: { id: fingerprint }, status: 200 });
  await act('muteAlert', { values: { id: fingerprint }, body: { for: '1h' }, status: 200 });
  await act('holdRule', { values, body: hold, status: 200 });
  await get('listHolds');
  await act('releaseRule', { values, status: 200 });
  await act('releaseRule', { values, status: 409 });
  for (const where of ['Rollout', 'LatestRollout']) {
    await act(`hold${where}`, { values, body: hold, status: 200 });
    await get('listRollouts');
    await act(`release${where}`, { values, status: 200 });
    await act(`release${where}`, { values, body: { reason: 'again' }, status: 409 });
    await act(`arm${where}`, { values, status: 200 });
    await until('a rollout that can be resumed', async () => (await act(`resume${where}`, { values })).status === 200);
    await act(`resume${where}`, { values, status: 409 });
    await act(`abort${where}`, { values, body: { reason: 'customers call' } });
    await act(`abort${where}`, { values, body: { reason: 'customers call' }, status: 200 });
  }
  await act('abortRequest', { values, body: { reason: 'customers call' }, status: 409 });
  for (const id of mutations) {
    if (id === 'reload') continue;
    const missing = { ...values, hub: 'other', id: id.includes('Alert') ? 'no-such-alert' : '0DV00000000zzzz', rule: 'nothing' };
    await act(id, { values: missing, body: goodBody(id), status: 404 });
    await act(id, { values: valuesFor(id, values), body: '{', status: 400 });
    await act(id, { values: valuesFor(id, values), body: { reason: 5 }, status: 400 });
    await act(id, { values: valuesFor(id, values), body: { other: 'x' }, status: 400 });
  }
  for (const id of mutations) {
    const target = valuesFor(id, values);
    await act(id, { values: target, body: `{"reason": "${'x'.repeat(17_000)}"}`, status: 413 });
    await act(id, { values: target, body: '{}', headers: { 'Content-Type': 'text/plain' }, status: 415 });
    const other = await act(id, { values: target, headers: { 'Sec-Fetch-Site': 'cross-site' }, status: 403 });
    expect(other.body.includes('cross_site'), `${id}: not for that reason: ${other.body}`);
  }
  return values;
}

async function checkReload() {
  await act('reload', { status: 200 });
  const file = options.configuration.agent;
  const before = fs.readFileSync(file, 'utf8');
  fs.writeFileSync(file, 'hubs: 5\n');
  await act('reload', { status: 500 });
  fs.writeFileSync(file, before);
  await act('reload', { status: 200 });
}

async function checkWhoMay(values) {
  const actor = await act('getActor', { status: 200 });
  expect(/^\{"actor":"[a-z0-9]+"\}\n$/.test(actor.body), actor.body);
  await act('getActor', { headers: { 'Sec-Fetch-Site': 'cross-site' }, status: 403 });
  // Each once as nobody, and once more where nobody may ask any more for now.
  for (const id of [...mutations, 'getActor']) {
    const parameters = { values: valuesFor(id, values), headers: { Authorization: 'Bearer of-nobody-at-all-1' } };
    for (const status of [401, 429])
      await until(`${id} ${status}`, async () => (await ask(options.agent, id, parameters)).status === status);
  }
  // One who may, and asks too often.
  const mine = { Authorization: `Bearer ${options.tokens[0]}` };
  await until('an actor who must wait', async () =>
    (await ask(options.agent, 'releaseRule', { values, headers: mine })).status === 429);
  await ask(options.agent, 'getActor', { headers: mine, status: 200 });
}

// ---- The agent that waits for the store, behind passwords

async function checkWaiting(values) {
  const base = options.waiting;
  const reads = document.operations.filter((each) => each.method === 'GET' && each.operationId !== 'getActor');
  for (const { operationId: id } of reads) {
    const target = { ...valuesFor(id, values), name: 'none' };
    await ask(base, id, { values: target, status: 401 });
    const nobody = { values: target, headers: { Authorization: 'Bearer of-nobody-at-all-1' } };
    await until(`${id} 429`, async () => (await ask(base, id, nobody)).status === 429);
  }
  const user = { headers: { Authorization: basic } };
  await ask(base, 'getOverview', { ...user, status: 200 });
  await ask(base, 'getReadiness', { ...user, status: 503 });
  await ask(base, 'listDecisions', { ...user, status: 503 });
  await ask(base, 'getAuditTrail', { ...user, status: 503 });
  for (const id of mutations.filter((name) => name !== 'reload'))
    await act(id, { base, values: valuesFor(id, values), body: goodBody(id), status: 503 });
  // Without tokens nobody changes anything.
  const file = options.configuration.waiting;
  fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(/api_tokens_file: [^,]+, /, ''));
  await act('reload', { base, status: 200 });
  for (const id of [...mutations, 'getActor']) {
    const off = await ask(base, id, { values: valuesFor(id, values), ...user, status: 403 });
    expect(off.body.includes('post_is_off'), `${id}: not for that reason: ${off.body}`);
  }
}

// ---- What is not provoked here, and where it is tested

function notProvoked(hasPage) {
  const all = new Map();
  for (const { operationId: id, method } of document.operations) {
    all.set(`${id} default`, method === 'POST' ? 'asked of each GET' : '');
    const isOwn = method === 'POST' ? id !== 'reload' : ['listDecisions', 'getAuditTrail', 'followChanges', 'getReadiness'].includes(id);
    if (!isOwn) all.set(`${id} 503`, 'tests/unit/base/http_server_test.cpp, tests/unit/agent/{basic_auth,scrapes}_test.cpp');
  }
  for (const id of mutations.filter((name) => /^(abort|arm).*Rollout$/.test(name)))
    all.set(`${id} 409`, 'two agents that record one abort at once; a rollout that no rule judges');
  for (const id of ['abortRequest 200', 'abortRequest 202'])
    all.set(id, 'all has ended here: tests/integration/agent/control_test.cpp');
  for (const id of ['acknowledgeAlert 409', 'muteAlert 409'])
    all.set(id, 'an alert that has ended: tests/integration/agent/alerting_test.cpp');
  for (const id of ['listDecisions 500', 'getAuditTrail 500'])
    all.set(id, 'tests/unit/agent/decision_api_test.cpp');
  all.set('reload 404', 'an agent without a file: the program has none');
  if (!hasPage) for (const id of ['getPage 304', 'getAsset 200', 'getAsset 304']) all.set(id, 'the page was left out');
  return all;
}

function checkCoverage(hasPage) {
  const excused = notProvoked(hasPage);
  for (const operation of document.operations)
    for (const status of Object.keys(operation.responses)) {
      const key = `${operation.operationId} ${status}`;
      if (!seen.has(key) && !excused.has(key)) problems.add(`nothing was answered ${key}`);
    }
}

async function main() {
  const stream = await follow('').opened;
  expect(stream.headers['content-type'] === 'text/event-stream', 'the stream is of another type');
  seen.add('followChanges 200');
  const known = await until('a rollout', async () => {
    const { rollouts } = await get('listRollouts');
    const waves = rollouts[0]?.waves ?? [];
    if (waves.length === 0) return undefined;
    const [version, number] = rollouts[0].id.split('/');
    return { hub: rollouts[0].hub, version, number, id: waves[0].id, policy: 'production', rule: 'budget' };
  });
  await until('the end of the rollout', async () => {
    await readAll(known);
    const { decisions } = await get('listDecisions');
    const { jobs } = await get('getRollout', { values: known });
    return decisions.length > 0 && decisions.every((each) => each.outcome !== null) &&
      jobs.created + jobs.pending + jobs.in_progress === 0;
  });
  const hasPage = await checkPage();
  await checkLists(known);
  await checkRefusedReads(known);
  await checkEveryPath(known);
  const values = await checkMutations(known);
  await checkReload();
  await checkStream(stream);
  stream.end();
  await checkWhoMay(values);
  await checkWaiting(values);
  checkCoverage(hasPage);
}

main()
  .catch((error) => problems.add(error.stack))
  .finally(() => {
    for (const problem of problems) console.log(problem);
    process.exit(problems.size === 0 ? 0 : 1);
  });
