// A rule's ratio over time: drawn by uPlot, and as a table for who cannot see it.

import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { axisTop, columns, thinned } from '../logic/chart_data.js';
import { clockTime, dayTime, percent } from '../logic/format.js';
import { verdictWords } from '../logic/words.js';

const height = 190;

function options(width, styles) {
  const colour = (name) => styles.getPropertyValue(name).trim();
  const axis = {
    space: 64,
    stroke: colour('--quiet'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line'), width: 1 },
    font: '11px system-ui, sans-serif',
  };
  const value = (_, raw) => (raw === null || raw === undefined ? '–' : percent(raw));
  const stepped = uPlot.paths.stepped({ align: 1 });
  return {
    width,
    height,
    cursor: { drag: { x: false, y: false } },
    scales: { y: { range: (plot) => [0, axisTop(plot.data)] } },
    axes: [
      { ...axis, values: (_, ticks, __, ___, step) => ticks.map((at) => clockTime(at * 1000).slice(0, step < 60 ? 8 : 5)) },
      { ...axis, space: 30, size: 52, values: (_, ticks) => ticks.map((tick) => percent(tick)) },
    ],
    series: [
      { label: 'Time', value: (_, raw) => (raw === null ? '–' : clockTime(raw * 1000)) },
      { label: 'Observed', stroke: colour('--info'), width: 2, paths: stepped, points: { show: false }, value },
      { label: 'Lower bound (dashed)', stroke: colour('--text'), width: 1.5, dash: [6, 4], paths: stepped, points: { show: false }, value },
      { label: 'Limit (dotted)', stroke: colour('--bad'), width: 2, dash: [2, 3], paths: stepped, points: { show: false }, value },
    ],
  };
}

/** `points` as the API tells them; `name` is the rule's. */
export function RuleChart({ points, name, now }) {
  const box = useRef(null);
  const plot = useRef(null);
  const latest = useRef(points);
  latest.current = points;

  useEffect(() => {
    const place = box.current;
    const width = () => Math.max(200, place.clientWidth);
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(options(width(), getComputedStyle(place)), columns(latest.current), place);
    };
    draw();
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', draw);
    const sizes = new ResizeObserver(() => {
      if (plot.current.width !== width()) plot.current.setSize({ width: width(), height });
    });
    sizes.observe(place);
    return () => {
      scheme.removeEventListener('change', draw);
      sizes.disconnect();
      plot.current.destroy();
      plot.current = null;
    };
  }, []);

  useEffect(() => {
    plot.current?.setData(columns(points));
  }, [points]);

  const last = points.at(-1);
  const summary =
    `${name} over time: observed ${percent(last?.observed_ratio)}, lower bound ${percent(last?.lower_bound_ratio)}, ` +
    `limit ${percent(last?.threshold_ratio)} at last`;
  return (
    <figure class="chart">
      <div ref={box} role="img" aria-label={summary} />
      <details>
        <summary>As a table</summary>
        <div class="scroll" tabIndex={0} role="region" aria-label={`Values of ${name}`}>
          <table>
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col" class="num">Failed</th>
                <th scope="col" class="num">Started</th>
                <th scope="col" class="num">Observed</th>
                <th scope="col" class="num">Lower bound</th>
                <th scope="col" class="num">Limit</th>
                <th scope="col">Verdict</th>
              </tr>
            </thead>
            <tbody>
              {thinned(points, 40).map((point) => (
                <tr key={point.at}>
                  <td>{dayTime(point.at, now)}</td>
                  <td class="num">{point.failed}</td>
                  <td class="num">{point.started}</td>
                  <td class="num">{percent(point.observed_ratio)}</td>
                  <td class="num">{percent(point.lower_bound_ratio)}</td>
                  <td class="num">{percent(point.threshold_ratio)}</td>
                  <td>{verdictWords(point.verdict).text}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}
