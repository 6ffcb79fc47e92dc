// Small parts that everything is made of.

import { dayTime, age, utc } from '../logic/format.js';

/** A state in words, with a sign and a colour. `words` is of logic/words.js. */
export function Badge({ words, prefix }) {
  return (
    <span class={`badge ${words.tone}`}>
      <span class="sign" aria-hidden="true">{words.sign}</span>
      {prefix ? `${prefix} ` : ''}
      {words.text}
    </span>
  );
}

/** An instant in the reader's zone; UTC is in its title. */
export function Time({ at, now }) {
  if (!at) return <span>–</span>;
  return (
    <time dateTime={at} title={utc(at)}>
      {dayTime(at, now)}
    </time>
  );
}

/** How long ago an instant was. */
export function Age({ at, now }) {
  if (!at) return <span>never</span>;
  return (
    <time dateTime={at} title={utc(at)}>
      {age(at, now)}
    </time>
  );
}

/** A number with its name, as a pair of a description list. */
export function Fact({ name, tone = '', title, children }) {
  return (
    <div class="fact" title={title}>
      <dt>{name}</dt>
      <dd class={tone}>{children}</dd>
    </div>
  );
}

/** A part of the page with a heading of its own. */
export function Section({ id, title, aside, children }) {
  return (
    <section aria-labelledby={id} class="panel">
      <header class="panel-head">
        <h2 id={id}>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}
