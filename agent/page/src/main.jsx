import './style.css';
import 'uplot/dist/uPlot.min.css';
import { render } from 'preact';
import { start } from './live.js';
import { App } from './ui/app.jsx';

const place = document.getElementById('app');
place.textContent = '';
render(<App />, place);
start();
