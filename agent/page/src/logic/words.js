// The vocabulary: each state has words and a sign, so that colour never says it alone.

/** @type {Record<string, {text: string, sign: string, tone: string}>} */
const verdicts = {
  ok: { text: 'OK', sign: '✓', tone: 'good' },
  warning: { text: 'Warning', sign: '▲', tone: 'warn' },
  breached: { text: 'Breached', sign: '✕', tone: 'bad' },
  blind: { text: 'Blind', sign: '◌', tone: 'blind' },
  insufficient_data: { text: 'Too few orgs yet', sign: '…', tone: 'quiet' },
};

const states = {
  waiting: { text: 'Waiting', sign: '◷', tone: 'quiet' },
  running: { text: 'Running', sign: '▶', tone: 'info' },
  aborted: { text: 'Aborted', sign: '■', tone: 'bad' },
  ended: { text: 'Ended', sign: '●', tone: 'quiet' },
};

const statuses = {
  succeeded: { text: 'Succeeded', sign: '✓', tone: 'good' },
  failed: { text: 'Failed', sign: '✕', tone: 'bad' },
  canceled: { text: 'Spared', sign: '⊘', tone: 'spared' },
  in_progress: { text: 'Running', sign: '▶', tone: 'info' },
  pending: { text: 'Pending', sign: '◷', tone: 'quiet' },
  created: { text: 'Created', sign: '◷', tone: 'quiet' },
  unrecognized: { text: 'Unknown to Pushguard', sign: '?', tone: 'quiet' },
};

const requestStatuses = { ...statuses, canceled: { text: 'Canceled', sign: '⊘', tone: 'spared' } };

const outcomes = {
  canceled: 'cancelled',
  refused: 'refused by Salesforce',
  finished_first: 'had finished first',
  unconfirmed: 'not confirmed yet',
  confirmed: 'Confirmed: everything that could still be cancelled is',
  partial: 'Partial: some requests could not be cancelled',
  nothing_to_cancel: 'Nothing to cancel: every request had started',
  failed: 'Given up: Salesforce could not be asked',
};

const steps = { cancel: 'cancel', try: 'try to cancel', leave: 'leave running' };

const followings = {
  nothing: 'nothing follows',
  alert: 'an alert follows',
  abort: 'an abort follows',
  would_abort: 'dry run: would abort',
  held: 'held: nothing is done',
  breached_before_arming: 'breached before arming: only alerts, until it is armed',
};

function find(table, value) {
  return Object.hasOwn(table, value) ? table[value] : { text: String(value), sign: '?', tone: 'quiet' };
}

export const verdictWords = (verdict) =>
  verdict === null || verdict === undefined ? { text: 'No rule judges it', sign: '–', tone: 'quiet' } : find(verdicts, verdict);
export const stateWords = (state) => find(states, state);
export const jobWords = (status) => find(statuses, status);
export const requestWords = (status) => find(requestStatuses, status);
export const outcomeText = (outcome) => (outcome === null || outcome === '' ? 'under way' : (outcomes[outcome] ?? outcome));
export const stepText = (step) => steps[step] ?? String(step).replaceAll('_', ' ');

/** What follows from a rule's verdict, in words. */
export const followsText = (follows) => followings[follows] ?? String(follows ?? '').replaceAll('_', ' ');

/** A sentence for screen readers when a verdict becomes another; null where nobody need be told. */
export function verdictNews(before, after) {
  if (before === undefined || before.verdict === after.verdict) return null;
  const name = [after.policy, after.rule].filter(Boolean).join(' / ');
  const of = after.segment ? ` (${after.segment})` : '';
  return `Rule ${name}${of} is now: ${verdictWords(after.verdict).text}.`;
}
