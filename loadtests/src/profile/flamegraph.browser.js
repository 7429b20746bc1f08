// Runs in the page that `flamegraph.page.ts` writes: draws the tree that stands in it as JSON.
import flamegraph from 'd3-flame-graph';
import { select } from 'd3-selection';

const { tree, unit } = JSON.parse(document.getElementById('tree').textContent);
const hues = { app: '#e8590c', library: '#f59f00', package: '#74b816', node: '#4dabf7', engine: '#adb5bd' };
const whole = tree.value;
const amount = (value) => (unit === 'bytes' ? `${(value / 1024).toFixed(0)} KiB` : `${value.toFixed(1)} ms`);
const describe = ({ data }) => `${data.name}  ${data.place ?? ''}  ${amount(data.value)}, ${((data.value / whole) * 100).toFixed(1)} %`;

const element = document.getElementById('chart');
const chart = flamegraph()
  .width(element.clientWidth)
  .cellHeight(18)
  .minFrameSize(2)
  .inverted(true)
  .sort(true)
  .transitionDuration(200)
  .title('')
  .label(describe)
  .setDetailsElement(document.getElementById('details'));
chart.setColorMapper(({ data, highlight }) => (highlight ? '#e600e6' : (hues[data.kind] ?? '#dee2e6')));
select(element).datum(tree).call(chart);

const search = document.getElementById('search');
search.addEventListener('input', () => (search.value === '' ? chart.clear() : chart.search(search.value)));
document.getElementById('reset').addEventListener('click', () => {
  search.value = '';
  chart.clear();
  chart.resetZoom();
});
