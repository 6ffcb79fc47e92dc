// Numbers, shares, times and durations as people read them. No text here depends on the clock.

const absent = '–';

/** 12345 as "12 345"; what is no number as a dash. */
export function number(value) {
  if (typeof value !== 'number' || !Number.isFinite(value)) return absent;
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** "1 org", "12 345 orgs". */
export function count(value, one, many = `${one}s`) {
  return `${number(value)} ${value === 1 ? one : many}`;
}

/** 0.0425 as "4.3%", as the agent's own reasons round; 0.0004 as "0.04%". */
export function percent(ratio) {
  if (typeof ratio !== 'number' || !Number.isFinite(ratio)) return absent;
  const shown = ratio * 100;
  if (shown !== 0 && Math.abs(shown) < 0.1) return `${shown.toFixed(2)}%`;
  return `${shown.toFixed(1)}%`;
}

/** Orgs a minute: one decimal below ten. */
export function rate(perMinute) {
  if (typeof perMinute !== 'number' || !Number.isFinite(perMinute)) return absent;
  return `${perMinute < 10 ? perMinute.toFixed(1) : number(perMinute)}/min`;
}

/** Milliseconds as its two largest units: "42 s", "3 min 5 s", "2 h 10 min", "4 d 3 h". Negative ones are 0. */
export function duration(milliseconds) {
  if (typeof milliseconds !== 'number' || !Number.isFinite(milliseconds)) return absent;
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const units = [['d', 86400], ['h', 3600], ['min', 60], ['s', 1]];
  const first = units.findIndex(([, size]) => seconds >= size);
  if (first < 0) return '0 s';
  const [name, size] = units[first];
  const next = units[first + 1];
  const rest = next ? Math.floor((seconds % size) / next[1]) : 0;
  return rest > 0 ? `${Math.floor(seconds / size)} ${name} ${rest} ${next[0]}` : `${Math.floor(seconds / size)} ${name}`;
}

/** How long ago an instant was: "12 s ago"; "never" for none, "now" for less than a second or the future. */
export function age(instant, now) {
  const at = parseTime(instant);
  if (at === null) return 'never';
  return now - at < 1000 ? 'now' : `${duration(now - at)} ago`;
}

/** How far an instant lies ahead: "in 5 min", "12 s overdue"; a dash for none. */
export function ahead(instant, now) {
  const at = parseTime(instant);
  if (at === null) return absent;
  return at >= now ? `in ${duration(at - now)}` : `${duration(now - at)} overdue`;
}

/** An RFC 3339 text (or milliseconds) as milliseconds since 1970; null where it is none. */
export function parseTime(instant) {
  if (typeof instant === 'number') return Number.isFinite(instant) ? instant : null;
  if (typeof instant !== 'string') return null;
  const at = Date.parse(instant);
  return Number.isNaN(at) ? null : at;
}

function two(value) {
  return String(value).padStart(2, '0');
}

/** "14:03:09" in the reader's own zone. */
export function clockTime(instant) {
  const at = parseTime(instant);
  if (at === null) return absent;
  const date = new Date(at);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** "14:03:09", with the date in front where it is another day than `now`. */
export function dayTime(instant, now) {
  const at = parseTime(instant);
  if (at === null) return absent;
  const date = new Date(at);
  if (date.toDateString() === new Date(now).toDateString()) return clockTime(at);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clockTime(at)}`;
}

/** "2026-11-29 07:00:00 UTC": for titles, beside the reader's own time. */
export function utc(instant) {
  const at = parseTime(instant);
  return at === null ? '' : `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

const durationUnits = { s: 1, m: 60, h: 3600, d: 86400 };

/** What is wrong with the length of a hold ("30m", "2h"), or an empty text. The agent takes 1m to 30d. */
export function holdLengthProblem(text) {
  const found = /^\s*(\d{1,6})\s*([smhd])\s*$/.exec(text);
  if (!found) return 'Say how long as a number with a unit: 30m, 2h or 1d.';
  const seconds = Number(found[1]) * durationUnits[found[2]];
  if (seconds < 60 || seconds > 30 * 86400) return 'A hold lasts from 1m to 30d.';
  return '';
}
