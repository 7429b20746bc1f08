/** Units as Grafana calls them. */
export type Unit = 's' | 'ms' | 'reqps' | 'ops' | 'percentunit' | 'bytes' | 'Bps' | 'short';

/** One diagram. */
export interface Panel {
  title: string;
  /** What it shows, and what to make of it. */
  description: string;
  unit: Unit;
  /** Legend → PromQL. `$rate` stands for a window that fits the scrape interval. */
  queries: Readonly<Record<string, string>>;
  /** Drawn as a line: a target or a limit. */
  limit?: number;
}

export interface Dashboard {
  /** File name, and the last part of its address. */
  name: string;
  title: string;
  description: string;
  rows: Readonly<Record<string, readonly Panel[]>>;
  /** Lets one service be chosen; its queries then use `$service`. */
  byService?: boolean;
}

const datasource = { type: 'prometheus', uid: 'prometheus' };
const size = { w: 8, h: 8 };
const columns = 3;

/** PromQL as Prometheus takes it, with the window that a person would choose; the dashboards let Grafana choose one. */
export function plainQuery(query: string, { rate, service }: { rate: string; service: string }): string {
  return query.replaceAll('$rate', rate).replaceAll('$service', service);
}

/** A dashboard as Grafana imports it: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/. */
export function grafanaDashboard({ name, title, description, rows, byService }: Dashboard): object {
  let y = 0;
  let id = 0;
  const panels: object[] = [];
  for (const [row, inRow] of Object.entries(rows)) {
    panels.push({ id: (id += 1), type: 'row', title: row, collapsed: false, gridPos: { x: 0, y, w: 24, h: 1 }, panels: [] });
    for (const [index, panel] of inRow.entries()) {
      const gridPos = { ...size, x: (index % columns) * size.w, y: y + 1 + Math.floor(index / columns) * size.h };
      panels.push(grafanaPanel(panel, (id += 1), gridPos));
    }
    y += 1 + Math.ceil(inRow.length / columns) * size.h;
  }
  const chosen = { name: 'service', label: 'service', type: 'query', datasource, query: 'label_values(up{job="services"}, service)', refresh: 2 };
  return {
    uid: `tenfold-${name}`,
    title: `Tenfold: ${title}`,
    description,
    tags: ['tenfold'],
    schemaVersion: 38,
    editable: true,
    refresh: '10s',
    time: { from: 'now-30m', to: 'now' },
    templating: { list: byService ? [{ ...chosen, current: { text: 'gateway', value: 'gateway' } }] : [] },
    panels,
  };
}

function grafanaPanel({ title, description, unit, queries, limit }: Panel, id: number, gridPos: object): object {
  const steps = [{ color: 'green', value: null }, ...(limit === undefined ? [] : [{ color: 'red', value: limit }])];
  return {
    id,
    type: 'timeseries',
    title,
    description,
    datasource,
    gridPos,
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        custom: { fillOpacity: 8, lineWidth: 1, showPoints: 'never', thresholdsStyle: { mode: limit === undefined ? 'off' : 'line' } },
        thresholds: { mode: 'absolute', steps },
      },
      overrides: [],
    },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: Object.entries(queries).map(([legendFormat, expr], index) => ({
      refId: String.fromCodePoint(65 + index),
      datasource,
      expr: plainQuery(expr, { rate: '$__rate_interval', service: '$service' }),
      legendFormat,
    })),
  };
}
