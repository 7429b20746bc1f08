import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { escape } from '../report/escape.ts';
import type { CallNode, Frame } from './call-tree.ts';
import { costsByFunction, costsByOwner, inclusiveCosts } from './costs.ts';
import type { Cost } from './costs.ts';

/** Frames below this share of the whole are left out: they are narrower than a pixel. */
const smallestShare = 0.0005;

export interface FlamegraphText {
  title: string;
  /** What a person must know to read it, e.g. when it was taken and under which load. */
  facts: readonly string[];
  unit: 'milliseconds' | 'bytes';
}

/** One HTML file that needs nothing else: where the cost is, as tables and as a flamegraph to zoom and search in. */
export async function flamegraphPage(tree: CallNode, text: FlamegraphText): Promise<string> {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${escape(text.title)}</title>
<style>${flamegraphStyle()}
${style}</style>
<h1>${escape(text.title)}</h1>
${text.facts.map((fact) => `<p>${escape(fact)}</p>`).join('\n')}
<div class="tables">
${costTable('Whose code', costsByOwner(tree).slice(0, 12), text.unit)}
${costTable('Functions, by themselves', costsByFunction(tree).slice(0, 12), text.unit)}
${costTable('Functions of ours, with all that they call', inclusiveCosts(tree).slice(0, 12), text.unit)}
</div>
${await flamegraphFragment(tree, text.unit)}
</html>
`;
}

/** The flamegraph alone, to stand once in a page that has {@link flamegraphStyle}. */
export async function flamegraphFragment(tree: CallNode, unit: FlamegraphText['unit']): Promise<string> {
  return `<p class="tools"><input id="search" placeholder="search functions" type="search"> <button id="reset">reset</button>
<span class="app">apps</span> <span class="library">libs</span> <span class="package">packages</span> <span class="node">Node</span> <span class="engine">engine</span></p>
<div id="details">&nbsp;</div>
<div id="chart"></div>
<script type="application/json" id="tree">${jsonInScript({ unit, tree: chartNode(tree, tree.total * smallestShare) })}</script>
<script>${inScript(await browserScript())}</script>`;
}

export function flamegraphStyle(): string {
  return readFileSync(new URL('d3-flamegraph.css', import.meta.resolve('d3-flame-graph')), 'utf8');
}

export const style = `
body { font: 15px/1.4 system-ui, sans-serif; margin: 1.5rem; color: #212529 }
h1 { font-size: 1.3rem } p { margin: .2rem 0 } .tables { display: flex; flex-wrap: wrap; align-items: flex-start; gap: 2rem; margin: 1rem 0 }
table { border-collapse: collapse } caption { text-align: left; font-weight: 600; padding-bottom: .3rem }
td, th { padding: .1rem .6rem .1rem 0; vertical-align: top; text-align: left; font-weight: 400 } td.number, th.number { text-align: right; white-space: nowrap }
small { color: #6c757d } #details { font-family: monospace; min-height: 1.4em; white-space: pre-wrap } .tools { margin: 1rem 0 .3rem }
.tools span { padding: 0 .5em; border-radius: 3px; font-size: .85em }
.app { background: #e8590c } .library { background: #f59f00 } .package { background: #74b816 } .node { background: #4dabf7 } .engine { background: #adb5bd }`;

interface ChartNode {
  name: string;
  place: string;
  kind: string;
  value: number;
  children: ChartNode[];
}

function chartNode({ frame, total, children }: CallNode, smallest: number): ChartNode {
  return {
    name: frame.name,
    place: frame.place,
    kind: kindOf(frame),
    value: Number(total.toPrecision(4)),
    children: children.filter((child) => child.total >= smallest).map((child) => chartNode(child, smallest)),
  };
}

function kindOf({ owner, place }: Frame): string {
  if (owner.startsWith('apps/')) return 'app';
  if (owner.startsWith('libs/')) return 'library';
  if (owner === 'node') return 'node';
  return place === '' ? 'engine' : 'package';
}

function costTable(caption: string, costs: readonly Cost[], unit: FlamegraphText['unit']): string {
  const amount = (value: number) => (unit === 'bytes' ? `${(value / 1024).toFixed(0)} KiB` : `${value.toFixed(0)} ms`);
  const rows = costs.map(({ name, place, value, share }) => {
    const where = place === '' ? '' : `<br><small>${escape(place)}</small>`;
    return `<tr><td class="number">${(share * 100).toFixed(1)} %<td class="number">${amount(value)}<td>${escape(name)}${where}`;
  });
  return `<table><caption>${escape(caption)}</caption>${rows.join('\n')}</table>`;
}

/** Names come from what is profiled; none of them can begin a tag. */
function jsonInScript(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', String.raw`\u003c`);
}

/** What would end the script's element is written in another way. */
function inScript(text: string): string {
  return text.replaceAll('</', String.raw`<\/`);
}

let script: Promise<string> | undefined;

async function browserScript(): Promise<string> {
  script ??= bundleBrowserScript();
  return script;
}

async function bundleBrowserScript(): Promise<string> {
  const bundle = await rolldown({
    input: fileURLToPath(new URL('flamegraph.browser.js', import.meta.url)),
    platform: 'browser',
    // Its style stands in the page.
    moduleTypes: { '.css': 'empty' },
  });
  const { output } = await bundle.generate({ format: 'iife', minify: true });
  await bundle.close();
  return output[0].code;
}
