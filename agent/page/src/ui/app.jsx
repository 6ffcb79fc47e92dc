// The frame around every page.

import { useEffect, useRef, useState } from 'preact/hooks';
import { whoami } from '../api.js';
import { look } from '../live.js';
import { count } from '../logic/format.js';
import { connectionState } from '../logic/freshness.js';
import { parseRoute } from '../logic/route.js';
import { ruleKey } from '../logic/state.js';
import { verdictNews } from '../logic/words.js';
import { useStore } from '../store.js';
import { forgetToken, storedToken } from '../token.js';
import { Banner } from './banner.jsx';
import { Overview, rolloutName } from './overview.jsx';
import { RolloutPage } from './rollout.jsx';

function useRoute() {
  const [route, setRoute] = useState(parseRoute(location.hash));
  useEffect(() => {
    const follow = () => setRoute(parseRoute(location.hash));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return route;
}

/** What a screen reader is told when verdicts change; never what merely counts on. */
function useNews(data) {
  const [news, setNews] = useState('');
  const before = useRef({ rules: new Map(), rollouts: new Map() });
  useEffect(() => {
    const rules = new Map();
    const texts = [];
    for (const rule of data.detail?.rules ?? []) {
      const key = `${data.detail.hub} ${data.detail.id} ${ruleKey(rule)}`;
      rules.set(key, rule);
      const text = verdictNews(before.current.rules.get(key), rule);
      if (text) texts.push(text);
    }
    const rollouts = new Map();
    for (const rollout of data.rollouts) {
      const key = `${rollout.hub} ${rollout.id}`;
      rollouts.set(key, rollout.state);
      const was = before.current.rollouts.get(key);
      if (was !== undefined && was !== rollout.state) texts.push(`Rollout of ${rolloutName(rollout)} is now ${rollout.state}.`);
    }
    before.current = { rules, rollouts };
    if (texts.length > 0) setNews(texts.slice(0, 3).join(' '));
  }, [data]);
  return news;
}

function useActor() {
  const [actor, setActor] = useState(null);
  useEffect(() => {
    const token = storedToken();
    if (!token) return;
    whoami(token).then(
      (answer) => setActor(answer.actor),
      (error) => {
        if (error.status === 401) forgetToken();
      },
    );
  }, []);
  return [actor, setActor];
}

function Header({ data, state, actor, onForget }) {
  return (
    <header class="top">
      <a class="brand" href="#/">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <path fill="#1f6feb" d="M16 2 4 6v9c0 7.5 5 12.5 12 15 7-2.5 12-7.5 12-15V6z" />
          <path fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round" stroke-linejoin="round" d="M10 16l4.5 4.5L22.5 11" />
        </svg>
        Pushguard
      </a>
      <span class={`badge ${state === 'live' ? 'good' : state === 'lost' ? 'bad' : 'quiet'}`}>
        <span class="sign" aria-hidden="true">{state === 'live' ? '●' : state === 'lost' ? '✕' : '…'}</span>
        {state === 'live' ? 'Live' : state === 'lost' ? 'Not connected' : 'Connecting'}
      </span>
      {data.agent && !data.agent.leader && (
        <span class="badge warn" title="Another agent holds the lock of the state database, and acts">
          <span class="sign" aria-hidden="true">▲</span>Standby agent
        </span>
      )}
      {data.agent && (
        <span class={`badge ${data.alertsFiring > 0 ? 'bad' : 'quiet'}`}>
          <span class="sign" aria-hidden="true">{data.alertsFiring > 0 ? '▲' : '✓'}</span>
          {data.alertsFiring > 0 ? `${count(data.alertsFiring, 'alert')} firing` : 'No alerts'}
        </span>
      )}
      {storedToken() && (
        <span class="actor small">
          {actor ? (
            <>
              Acting as <b>{actor}</b>
            </>
          ) : (
            'A token is kept in this tab'
          )}{' '}
          <button type="button" class="link" onClick={onForget}>
            Forget token
          </button>
        </span>
      )}
    </header>
  );
}

function Page({ route, data, state, actor, onActor }) {
  if (route.page === 'unknown')
    return (
      <>
        <h1>There is no such page</h1>
        <p>
          <a href="#/">Back to the overview</a>
        </p>
      </>
    );
  if (data.agent === null) return <p class="loading">{state === 'lost' ? 'Nothing was loaded yet.' : 'Loading …'}</p>;
  if (route.page === 'overview') return <Overview data={data} />;
  if (data.detail === null || data.detail.hub !== route.hub || data.detail.id !== route.id)
    return <p class="loading">Loading rollout {route.id} …</p>;
  return <RolloutPage data={data} detail={data.detail} isOld={state !== 'live'} actor={actor} onActor={onActor} />;
}

export function App() {
  const { data, connection } = useStore();
  const route = useRoute();
  const [actor, setActor] = useActor();
  const state = connectionState(connection);
  const news = useNews(data);
  const place = useRef(null);
  const isFirst = useRef(true);

  useEffect(() => {
    if (route.page === 'rollout') look(route.hub, route.id);
    else look(null, null);
    document.title = route.page === 'rollout' ? `${route.id} · ${route.hub} · Pushguard` : 'Pushguard';
    if (!isFirst.current) {
      scrollTo(0, 0);
      place.current?.focus({ preventScroll: true });
    }
    isFirst.current = false;
  }, [route]);

  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault(); // the part after # is the route
          place.current?.focus();
        }}
      >
        Skip to the content
      </a>
      <Header
        data={data}
        state={state}
        actor={actor}
        onForget={() => {
          forgetToken();
          setActor(null);
        }}
      />
      <Banner state={state} connection={connection} />
      <main id="main" ref={place} tabIndex={-1} class={state === 'lost' ? 'is-old-page' : ''}>
        <Page route={route} data={data} state={state} actor={actor} onActor={setActor} />
      </main>
      <footer class="quiet small">
        {data.agent && (
          <>
            Pushguard {data.agent.version} ({data.agent.commit}) ·{' '}
          </>
        )}
        Times are in your zone; hover for UTC · <a href="metrics">metrics</a> · <a href="api/v1/overview">API</a>
      </footer>
      <p class="hidden" aria-live="polite">
        {news}
      </p>
    </>
  );
}
