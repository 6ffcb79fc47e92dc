// A world to look at: a simulated hub and the agent as processes of their own, with a scratch folder for what they read and
// write, and Chromium. Everything that is started here ends, and every folder made here goes, with World.close(), with the
// browser's close(), and at the latest with this process.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

/** How long anything that must come may take, in milliseconds: generous, since machines are busy at times. */
export const patience = 30_000;

const logLinesMax = 2000; // of each process, the last ones: for reports of failures
const lookInterval = 50;

/** Who may act in each world: name to token. */
export const tokens = Object.freeze({ ann: 'ann-has-this-token-0123456789', bob: 'bob-has-this-token-0123456789' });

// ---- Waiting

/** Asks again until an answer is right (not undefined, null or false), and answers it. Throws with `what` where none comes in time. */
export async function until(what, ask, { within = patience } = {}) {
  const end = Date.now() + within;
  for (;;) {
    const got = await ask();
    if (got) return got;
    if (Date.now() > end) throw new Error(`${what}: did not come within ${within / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, lookInterval));
  }
}

// ---- What must not be left behind

const running = new Set(); // Process
const folders = new Set();

function sweep() {
  for (const each of running) each.killNow();
  for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true });
}
process.on('exit', sweep);
for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT']) process.once(signal, () => process.exit(1));

/** A folder that goes with this process, or with removeFolder(). */
function makeFolder() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pushguard-browser-'));
  folders.add(folder);
  return folder;
}

function removeFolder(folder) {
  fs.rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}

// ---- Processes

/** A child whose lines are kept. */
class Process {
  #child;
  #lines = [];
  #watchers = new Set();
  #ended;

  constructor(name, program, parameters, environment = {}) {
    this.name = name;
    this.#child = spawn(program, parameters, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } });
    running.add(this);
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#take(`cannot be started: ${error.message}`);
        resolve();
      });
      this.#child.once('close', resolve);
    }).then(() => {
      running.delete(this);
      for (const watcher of this.#watchers) watcher();
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      createInterface({ input: stream }).on('line', (line) => this.#take(line));
  }

  get pid() {
    return this.#child.pid;
  }

  get isRunning() {
    return running.has(this);
  }

  get log() {
    return this.#lines;
  }

  #take(line) {
    this.#lines.push(line);
    if (this.#lines.length > logLinesMax) this.#lines.shift();
    for (const watcher of this.#watchers) watcher(line);
  }

  /** The first match of a pattern in what it writes, or has written. */
  async match(pattern) {
    let timer;
    let watcher;
    try {
      return await new Promise((resolve, reject) => {
        const fail = (why) => reject(new Error(`${this.name} ${why} before it wrote ${pattern}:\n${this.tail(20)}`));
        watcher = (line) => {
          const found = line === undefined ? null : pattern.exec(line);
          if (found) resolve(found);
          else if (!this.isRunning) fail('ended');
        };
        timer = setTimeout(() => fail(`took more than ${patience / 1000} s`), patience);
        this.#watchers.add(watcher);
        for (const line of this.#lines) watcher(line);
        watcher();
      });
    } finally {
      clearTimeout(timer);
      this.#watchers.delete(watcher);
    }
  }

  tail(lines) {
    return this.#lines.slice(-lines).join('\n');
  }

  signal(name) {
    if (this.isRunning && this.pid) this.#child.kill(name);
  }

  /** For the end of this process, when nothing can be waited for. */
  killNow() {
    this.signal('SIGKILL');
  }

  /** Ends it and waits until it has; by force, without its doing anything more, with SIGKILL. */
  async end(signal = 'SIGTERM') {
    if (!this.isRunning) return;
    this.signal('SIGCONT');
    this.signal(signal);
    const late = setTimeout(() => this.killNow(), patience);
    await this.#ended;
    clearTimeout(late);
  }
}

/** The program under test, or a sentence about why there is none. */
function program() {
  const file = process.env.PUSHGUARD_PROGRAM;
  if (!file) throw new Error('PUSHGUARD_PROGRAM must name the program: build/release/bin/pushguard, as an absolute path');
  return file;
}

// ---- The agent and its hub

const defaultPolicies = `  - name: production
    mode: enforce
    in_progress: try
    rules:
      - name: failure-rate
        failure_rate: { above: 5%, confidence: 99%, min_started: 10 }
        action: abort
      - name: budget
        failure_budget: { above: 40% }
        action: alert
`;

/**
 * A hub that is simulated and an agent that watches it.
 *
 *     const world = new World({ scenario });
 *     await world.start();          // or startSimulator(), and startAgent() when it shall begin
 *     …                             // world.url, world.get('api/v1/overview'), world.agent.pid
 *     await world.close();
 */
export class World {
  #options;
  #port = 0;

  /**
   * @param {object} options
   * @param {string} options.scenario of the simulator, in YAML (docs/simulator.md)
   * @param {string} [options.policies] the items of `policies` of the configuration, indented by two
   * @param {string} [options.reconcile] of the hub
   * @param {string} [options.more] further keys of the configuration
   * @param {Record<string, string>} [options.files] written to the folder: name to text; the configuration may name them
   * @param {(hub: string) => Promise<{url: string, close: () => Promise<void>}>} [options.between] starts what stands between
   *   the agent and its hub
   * @param {boolean} [options.streams] whether the agent follows the hub's channel too
   */
  constructor(options) {
    this.#options = {
      policies: defaultPolicies,
      reconcile: '{ active_interval: 200ms, idle_interval: 500ms, call_budget: 100%, blind_after: 5s }',
      more: '',
      files: {},
      streams: true,
      ...options,
    };
    this.folder = makeFolder();
    /** @type {Process|null} with pid, log (lines), isRunning and signal() */
    this.simulator = null;
    /** @type {Process|null} */
    this.agent = null;
    /** Where the agent answers, with a slash at the end; the same after it was started again. */
    this.url = null;
    this.hubUrl = null;
    this.write('scenario.yaml', this.#options.scenario);
    this.write('api.tokens', Object.entries(tokens).map(([name, token]) => `${name}:${token}\n`).join(''), 0o600);
    for (const [name, text] of Object.entries(this.#options.files)) this.write(name, text);
  }

  /** Writes a file of the folder; the agent reads it with its next start, or on SIGHUP. */
  write(name, text, mode = 0o644) {
    fs.writeFileSync(path.join(this.folder, name), text, { mode });
  }

  async start() {
    await this.startSimulator();
    await this.startAgent();
  }

  async startSimulator() {
    const file = path.join(this.folder, 'scenario.yaml');
    this.simulator = new Process('the simulator', program(), ['simulate', '--scenario', file, '--listen', '127.0.0.1:0']);
    [, this.hubUrl] = await this.simulator.match(/listens on (http:\S+)/);
    if (this.#options.between) {
      this.between = await this.#options.between(this.hubUrl);
      this.hubUrl = this.between.url;
    }
  }

  #configuration() {
    const { policies, reconcile, more, streams } = this.#options;
    return `hubs:
  - name: devhub
    login_url: ${this.hubUrl}
    auth:
      client_credentials: { client_id: simulated-client, client_secret: simulated-secret }
${streams ? `    streaming:
      channels:
        - channel: /event/Push_Upgrade__e
          fields:
            request_id: payload.Request_Id__c
            job_id: payload.Job_Id__c
            org_key: payload.Org_Key__c
            status: payload.Status__c
            error_type: payload.Error_Type__c
` : ''}    reconcile: ${reconcile}
policies:
${policies}state: sqlite:state.db
http: { listen: "127.0.0.1:${this.#port}", api_tokens_file: api.tokens }
${more}`;
  }

  /** Starts the agent, with the port and the state that it had before; answers when it listens. */
  async startAgent() {
    this.write('pushguard.yaml', this.#configuration());
    this.agent = new Process('the agent', program(), ['run', '--config', path.join(this.folder, 'pushguard.yaml')]);
    const [, url, port] = await this.agent.match(/event=agent_started .*?listen=(http:\/\/127\.0\.0\.1:(\d+))/);
    this.url = `${url}/`;
    this.#port = Number(port);
  }

  /** kill -9. What the agent wrote until then is in the next report. */
  async killAgent() {
    this.#before = this.agent.log;
    await this.agent.end('SIGKILL');
  }
  #before = [];

  /** The hub answers nothing any more, without closing a connection; until continueSimulator(). */
  stopSimulator() {
    this.simulator.signal('SIGSTOP');
  }

  continueSimulator() {
    this.simulator.signal('SIGCONT');
  }

  /** GETs what the agent tells at `path` (`api/v1/overview`); throws where it is not 200 with JSON. */
  async get(target) {
    const reply = await fetch(new URL(target, this.url));
    const text = await reply.text();
    if (reply.status !== 200) throw new Error(`GET ${target}: ${reply.status} ${text.slice(0, 300)}`);
    return JSON.parse(text);
  }

  /** GETs `target` until `isRight` answers something for it, and answers that. */
  until(what, target, isRight) {
    return until(what, async () => isRight(await this.get(target)));
  }

  /** The first rollout of the hub, once the agent has seen one: {hub, id, …}. */
  rollout() {
    return this.until('a rollout', 'api/v1/overview', ({ rollouts }) => rollouts[0]);
  }

  /** The address of a rollout on the page. */
  rolloutUrl({ hub, id }) {
    return `${this.url}#/rollouts/${encodeURIComponent(hub)}/${id}`;
  }

  /** What the processes wrote last, for a report of a failure. */
  report(lines = 30) {
    const of = (name, log) => `---- ${name}\n${log.slice(-lines).join('\n') || '(nothing)'}`;
    return [
      of('the simulator', this.simulator?.log ?? []),
      ...(this.#before.length > 0 ? [of('the agent that was killed', this.#before)] : []),
      of('the agent', this.agent?.log ?? []),
    ].join('\n');
  }

  async close() {
    try {
      await Promise.all([this.agent?.end(), this.simulator?.end('SIGKILL')]);
      await this.between?.close();
    } finally {
      removeFolder(this.folder);
    }
  }
}

// ---- Chromium

function chromiumFile() {
  const { PUSHGUARD_CHROMIUM: named, PATH = '' } = process.env;
  if (named) return named;
  for (const name of ['chromium', 'chromium-browser', 'google-chrome'])
    for (const folder of PATH.split(path.delimiter)) {
      const file = path.join(folder, name);
      if (fs.existsSync(file)) return file;
    }
  throw new Error('Chromium is missing (Debian: chromium); PUSHGUARD_CHROMIUM may name another');
}

/** Starts Chromium without a window; ends with close() of what it answers, a Browser of Playwright's. */
export async function openBrowser({ parameters = [] } = {}) {
  return chromium.launch({
    executablePath: chromiumFile(),
    headless: true,
    // It opens nothing but pages of the agent here, and root, containers and Debian without chromium-sandbox have none.
    chromiumSandbox: false,
    // Containers often have a /dev/shm of 64 MiB, which is too small for a page 3840 wide.
    args: ['--disable-dev-shm-usage', '--font-render-hinting=none', ...parameters],
    timeout: patience,
  });
}

/** Throws where the agent answers that it has no page. */
async function checkPage(world) {
  const text = await (await fetch(world.url)).text();
  if (text.includes('left out of this build'))
    throw new Error(`${program()} was built without the live page although Node.js is here; the build says why when it is configured again`);
}

/**
 * Opens a page in a context of its own, and watches what must never happen.
 * @param {import('playwright-core').Browser} browser
 * @param {World} world requests to any other origin than its are problems
 * @param {import('playwright-core').BrowserContextOptions} [options] of the context
 * @returns {Promise<{page, context, problems: string[], expected: RegExp[]}>} `problems` grows as they come; what matches one of
 *   `expected` is none
 */
export async function openPage(browser, world, options = {}) {
  await checkPage(world);
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB', ...options });
  context.setDefaultTimeout(patience);
  const problems = [];
  const expected = [];
  const tell = (problem) => {
    if (!expected.some((each) => each.test(problem))) problems.push(problem);
  };
  const origin = new URL(world.url).origin;
  await context.exposeBinding('pushguardTestTells', (_, problem) => tell(problem));
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) =>
      window.pushguardTestTells(`the policy was violated: ${event.effectiveDirective} by ${event.blockedURI}`));
  });
  context.on('request', (request) => {
    const { protocol, origin: of } = new URL(request.url());
    if (of !== origin && protocol !== 'data:' && protocol !== 'blob:') tell(`another origin was asked: ${request.url()}`);
  });
  context.on('page', (page) => {
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') tell(`console: ${message.text()} ${message.location().url}`);
    });
    page.on('pageerror', (error) => tell(`uncaught: ${error.stack}`));
    page.on('dialog', (dialog) => {
      tell(`a dialog: ${dialog.message()}`);
      dialog.dismiss().catch(() => {});
    });
    page.on('crash', () => tell('the page crashed'));
  });
  const page = await context.newPage();
  return { page, context, problems, expected };
}

/** Answers when the page is live: connected, and everything loaded. */
export async function untilLive(page) {
  await page.locator('header.top .badge', { hasText: /^●Live$/ }).waitFor();
}
