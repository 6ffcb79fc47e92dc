// Holding, releasing, resuming, arming and aborting a rollout.

import { useEffect, useRef, useState } from 'preact/hooks';
import { act, whoami } from '../api.js';
import { reloadSoon } from '../live.js';
import { errorText } from '../logic/errors.js';
import { count, holdLengthProblem, number } from '../logic/format.js';
import { rolloutPath } from '../logic/route.js';
import { abortReach } from '../logic/waves.js';
import { requestWords, stepText } from '../logic/words.js';
import { forgetToken, storedToken, storeToken } from '../token.js';

const reasonMax = 1000; // as the agent

/** @type {Record<string, {title: string, button: string, about: string, needsReason?: boolean, needsLength?: boolean}>} */
const actions = {
  hold: {
    title: 'Hold the rollout',
    button: 'Hold',
    about: 'Verdicts are still told, and nothing is done, until the hold ends. A rule that is breached then acts.',
    needsReason: true,
    needsLength: true,
  },
  release: { title: 'Release the hold', button: 'Release', about: 'The rules may act again at once.' },
  resume: {
    title: 'Resume the rollout',
    button: 'Resume',
    about: 'Lifts the abort and begins a new epoch, which counts only orgs that start from now on. It schedules nothing.',
  },
  arm: { title: 'Arm the rules', button: 'Arm', about: 'Lets the rules act that only alert now. A rule that is breached acts at once.' },
  abort: {
    title: 'Abort the rollout',
    button: 'Abort',
    about: 'Cancels every wave that has not started. This cannot be taken back.',
    needsReason: true,
  },
};

/** Why an action makes no sense now; empty where it does. */
function whyNot(action, rollout, rules, holds) {
  const reach = abortReach(rollout.waves);
  switch (action) {
    case 'hold':
      return rollout.state === 'ended' ? 'The rollout has ended.' : '';
    case 'release':
      return holds.some((hold) => hold.rollout) ? '' : 'The rollout is not held.';
    case 'resume':
      return rollout.state === 'aborted' ? '' : 'The rollout is not aborted.';
    case 'arm':
      return rules.some((rule) => !rule.armed) ? '' : 'Every rule is armed.';
    case 'abort':
      return reach.stoppable + reach.running > 0 ? '' : 'Every wave has ended.';
    default:
      return '';
  }
}

function Reach({ waves }) {
  const reach = abortReach(waves);
  return (
    <ul class="reach">
      <li>
        <b>Can be stopped:</b> {count(reach.stoppable, 'wave')} not started yet, {count(reach.spared, 'org')} spared.
      </li>
      <li>
        <b>Cannot be stopped:</b> {count(reach.running, 'wave')} already running: {number(reach.inFlight)} orgs in flight
        {reach.stillToStart > 0 && <> and {number(reach.stillToStart)} still to start</>}. Salesforce lets nobody cancel these
        through its API.
      </li>
    </ul>
  );
}

function Answer({ answer, waves }) {
  const waveNames = new Map(waves.map((wave, index) => [wave.id, `Wave ${index + 1}`]));
  return (
    <>
      <p role="status" class="done">
        ✓ {answer.message}
      </p>
      {answer.orgs && (
        <p>
          {count(answer.orgs.spared, 'org')} spared, {number(answer.orgs.in_flight)} in flight,{' '}
          {number(answer.orgs.still_to_start)} still to start.
        </p>
      )}
      {answer.plan && (
        <ul class="small">
          {answer.plan.map((entry) => (
            <li key={entry.request_id}>
              {waveNames.get(entry.request_id) ?? ''} <code>{entry.request_id}</code> ({requestWords(entry.status).text}):{' '}
              {stepText(entry.step)}
              {entry.setup_page && (
                <>
                  {' · '}
                  <a href={entry.setup_page} target="_blank" rel="noopener noreferrer">
                    Open in Setup ↗
                  </a>
                </>
              )}
            </li>
          ))}
        </ul>
      )}
      {answer.armed && <p class="small">Armed: {answer.armed.join(', ') || 'none'}</p>}
    </>
  );
}

function Dialog({ action, rollout, isOld, actor, onActor, onClose }) {
  const what = actions[action];
  const box = useRef(null);
  const [reason, setReason] = useState('');
  const [length, setLength] = useState('1h');
  const [token, setToken] = useState('');
  const [isSure, setIsSure] = useState(false);
  const [isBusy, setIsBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const [answer, setAnswer] = useState(null);
  const step = useRef(null);

  useEffect(() => {
    const dialog = box.current;
    const opener = document.activeElement;
    dialog.showModal();
    return () => {
      dialog.close();
      opener?.focus?.();
    };
  }, []);
  // What has just appeared is where one goes on.
  useEffect(() => {
    if (isSure || answer) step.current?.focus();
  }, [isSure, answer]);

  async function submit(event) {
    event.preventDefault();
    setProblem('');
    if (what.needsReason && !reason.trim()) return setProblem('Say why: the reason stands in the audit trail.');
    if (what.needsLength && holdLengthProblem(length)) return setProblem(holdLengthProblem(length));
    const bearer = storedToken() ?? token.trim();
    if (!bearer) return setProblem('Enter your API token.');
    setIsBusy(true);
    try {
      if (!storedToken()) {
        const { actor: name } = await whoami(bearer);
        storeToken(bearer);
        setToken('');
        onActor(name);
      }
      if (action === 'abort' && !isSure) return setIsSure(true);
      const body = {};
      if (reason.trim()) body.reason = reason.trim();
      if (what.needsLength) body.for = length.replace(/\s+/g, '');
      setAnswer(await act(`${rolloutPath(rollout.hub, rollout.id)}/${action}`, bearer, body));
      reloadSoon();
    } catch (error) {
      if (error.status === 401) {
        forgetToken();
        onActor(null);
      }
      setIsSure(false);
      setProblem(errorText(error.status ?? 0, error.body ?? null, error.retryAfter ?? null));
    } finally {
      setIsBusy(false);
    }
  }

  const reach = abortReach(rollout.waves);
  return (
    <dialog
      ref={box}
      aria-labelledby="dialog-title"
      class={action === 'abort' ? 'danger' : ''}
      onCancel={(event) => {
        event.preventDefault();
        if (!isBusy) onClose();
      }}
    >
      <form onSubmit={submit} noValidate>
        <h2 id="dialog-title">{what.title}</h2>
        <p class="quiet small">
          <bdi>{[rollout.package_name, rollout.package_version].filter(Boolean).join(' ')}</bdi> · {rollout.hub} · <code>{rollout.id}</code>
        </p>
        {answer ? (
          <Answer answer={answer} waves={rollout.waves} />
        ) : (
          <>
            {isOld && (
              <p class="stale-note" role="alert">
                <span aria-hidden="true">⚠ </span>There is no connection to the agent: these numbers are old.
              </p>
            )}
            <p>{what.about}</p>
            {action === 'abort' && <Reach waves={rollout.waves} />}
            {!isSure && (
              <>
                {what.needsLength && (
                  <label class="field">
                    <span>For how long</span>
                    <input
                      type="text"
                      value={length}
                      list="hold-lengths"
                      autocomplete="off"
                      onInput={(event) => setLength(event.currentTarget.value)}
                    />
                    <datalist id="hold-lengths">
                      {['30m', '1h', '2h', '4h', '1d'].map((each) => (
                        <option key={each} value={each} />
                      ))}
                    </datalist>
                  </label>
                )}
                <label class="field">
                  <span>Reason{what.needsReason ? '' : ' (optional)'}</span>
                  <input
                    type="text"
                    value={reason}
                    maxLength={reasonMax}
                    required={what.needsReason}
                    autocomplete="off"
                    onInput={(event) => setReason(event.currentTarget.value)}
                  />
                </label>
                {actor ? (
                  <p class="small">
                    Acting as <b>{actor}</b>.
                  </p>
                ) : (
                  !storedToken() && (
                    <label class="field">
                      <span>API token</span>
                      <input
                        type="password"
                        value={token}
                        autocomplete="off"
                        onInput={(event) => setToken(event.currentTarget.value)}
                      />
                      <span class="small quiet">Kept in this tab only, until you close it or forget it.</span>
                    </label>
                  )
                )}
              </>
            )}
            {isSure && (
              <p class="sure" ref={step} tabIndex={-1}>
                <b>Abort now?</b> {count(reach.stoppable, 'wave')} will be cancelled and {count(reach.spared, 'org')} spared;{' '}
                {number(reach.inFlight + reach.stillToStart)} orgs of running waves go on. Reason: “{reason.trim()}”
              </p>
            )}
          </>
        )}
        <p class="problem" role="alert">
          {problem}
        </p>
        <div class="buttons">
          {answer ? (
            <button type="button" ref={step} class="primary" onClick={onClose}>
              Close
            </button>
          ) : (
            <>
              <button type="button" disabled={isBusy} onClick={() => (isSure ? setIsSure(false) : onClose())}>
                {isSure ? 'Back' : 'Do nothing'}
              </button>
              <button type="submit" disabled={isBusy} class={action === 'abort' ? 'primary danger' : 'primary'}>
                {isBusy ? 'Asking the agent …' : action === 'abort' ? (isSure ? 'Yes, abort now' : 'Abort …') : what.button}
              </button>
            </>
          )}
        </div>
      </form>
    </dialog>
  );
}

/** The buttons, and the dialog of the one that was pressed. `isOld`: there is no connection to the agent. */
export function Actions({ agent, rollout, rules, holds, isOld, actor, onActor }) {
  const [open, setOpen] = useState(null);
  const isOff = !agent?.actions;
  return (
    <div class="actions" role="group" aria-label="Actions on this rollout">
      {Object.entries(actions).map(([action, { button }]) => {
        const why = isOff ? 'Actions are off.' : whyNot(action, rollout, rules, holds);
        return (
          <button
            key={action}
            type="button"
            class={action === 'abort' ? 'danger' : ''}
            disabled={Boolean(why)}
            title={why || actions[action].about}
            aria-describedby={isOff ? 'actions-off' : undefined}
            onClick={() => setOpen(action)}
          >
            {button}
            {action === 'hold' || action === 'abort' ? ' …' : ''}
          </button>
        );
      })}
      {isOff && (
        <p class="small quiet" id="actions-off">
          Actions are off: the agent has no <code>http.api_tokens_file</code>, so nobody can act here.
        </p>
      )}
      {open && (
        <Dialog
          key={open}
          action={open}
          rollout={rollout}
          isOld={isOld}
          actor={actor}
          onActor={onActor}
          onClose={() => setOpen(null)}
        />
      )}
    </div>
  );
}
