import { useMemo, useState } from 'preact/hooks'
import type { MetricInfo, MetricsPage as MetricsAnswer } from '../../../src/protocol/index.ts'
import { metricTitle } from '../../../src/protocol/monitor.ts'
import { type ChartData, chartDataOf, csvOf } from '../charts/chart-data.ts'
import { LineChart } from '../charts/line-chart.tsx'
import { amount, clockMinute, clockTime, count, percent, span, withUnit } from '../format.ts'
import { useSection } from '../live/use-section.ts'
import { Choices } from '../parts/filters.tsx'
import { Icon } from '../parts/icon.tsx'
import { Figures } from '../parts/labels.tsx'
import { Empty, SectionView } from '../parts/section-view.tsx'
import { param, setParams } from '../route/router.ts'

/** Page: one metric over time, with its forecast. */
export function MetricsPage() {
  const [metric, minutes] = [param('metric'), param('minutes')]
  const search = new URLSearchParams({ ...(metric === '' ? {} : { metric }), minutes })
  const loaded = useSection<MetricsAnswer | null>('metrics', `metrics?${search}`)
  return (
    <SectionView
      section={loaded}
      off={<Empty title="Monitoring is disabled. To enable it: createSluice({ monitor: {} })" />}
    >
      {(data) => <Metrics data={data} />}
    </SectionView>
  )
}

const ranges = { 10: '10 min', 30: '30 min', 120: '2 h', 1440: '24 h' }

function Metrics({ data }: { data: MetricsAnswer }) {
  const { metrics, metric, points, forecast, trend, anomalies, needsSeconds, from, to } = data
  const info = metrics.find(({ name }) => name === metric)
  const chart = useMemo(() => chartDataOf({ points, forecast }), [points, forecast])
  const isTable = param('table') === 'show'
  const unit = info?.unit ?? ''
  const waiting = `A forecast requires 2 minutes of data: ${span(needsSeconds)} left.`
  const hasValues = points.some(([, value]) => value !== null)
  return (
    <>
      <div class="toolbar">
        <label class="select">
          <span>Metric</span>
          <select value={metric} onChange={(event) => setParams({ metric: event.currentTarget.value })}>
            {metrics.map(({ name }) => (
              <option key={name} value={name}>
                {metricTitle(name)}
              </option>
            ))}
          </select>
        </label>
        <Choices
          label="Range"
          value={param('minutes')}
          options={ranges}
          onChange={(value) => setParams({ minutes: value })}
        />
        <span class="spring" />
        <button
          type="button"
          class="button"
          onClick={() => download(`${metric}.csv`, csvOf(metric, chart))}
          disabled={!hasValues}
        >
          Export CSV
        </button>
      </div>
      <h2 class="metric-title">
        {info?.description ?? metric}
        {info !== undefined && <Current info={info} />}
      </h2>
      {!hasValues ? (
        <Empty title={needsSeconds > 0 ? 'Collecting data' : 'No values in this range'}>
          {needsSeconds > 0 && <p>{waiting}</p>}
        </Empty>
      ) : (
        <figure class="figure-chart">
          <LineChart
            label={info?.description ?? metric}
            unit={unit}
            data={chart}
            warning={info?.warning ?? null}
            critical={info?.critical ?? null}
          />
          <figcaption class="muted">
            {forecast !== null ? (
              <>
                <ul class="legend">
                  {Object.entries({ line: 'measured', dashed: 'median forecast', band: '90% band' }).map(
                    ([look, text]) => (
                      <li key={look}>
                        <span class={`key-${look}`} aria-hidden="true" />
                        {text}
                      </li>
                    ),
                  )}
                </ul>
                <p>{forecast.caption}</p>
              </>
            ) : (
              <p>{needsSeconds > 0 ? waiting : 'No forecast for this metric.'}</p>
            )}
          </figcaption>
        </figure>
      )}
      {hasValues && (
        <>
          <Figures
            figures={[
              {
                label: 'Trend',
                value: <span class="figure-word">{trend.trend}</span>,
                note:
                  trend.trend === 'stable'
                    ? undefined
                    : `${trend.changePerMinute > 0 ? '+' : ''}${withUnit(trend.changePerMinute, unit)} per minute`,
              },
              {
                label: 'Values',
                value: amount(trend.points),
                note: `${clockMinute(points[0]?.[0] ?? from)}–${clockMinute(to)}`,
              },
              ...(info?.warning == null
                ? []
                : [{ label: 'Warning above', value: withUnit(info.warning, unit) }]),
              ...(info?.critical == null
                ? []
                : [{ label: 'Critical above', value: withUnit(info.critical, unit) }]),
              ...(forecast?.recentAccuracy == null
                ? []
                : [{ label: 'Accurate within 15%', value: percent(forecast.recentAccuracy) }]),
            ]}
          />
          {anomalies.length > 0 && (
            <section aria-labelledby="unusual">
              <h2 id="unusual">Anomalies</h2>
              <ul class="rows rows-text">
                {anomalies.slice(-10).map(({ timestamp, kind, value, expected }) => (
                  <li key={`${timestamp}${kind}`}>
                    <time>{clockTime(timestamp)}</time>
                    <span>{kind === 'change' ? 'level change' : 'outlier'}</span>
                    <span class="rows-value">{`${withUnit(value, unit)}, expected ${withUnit(expected, unit)}`}</span>
                  </li>
                ))}
              </ul>
            </section>
          )}
          <button
            type="button"
            class="button button-start"
            aria-expanded={isTable}
            onClick={() => setParams({ table: isTable ? undefined : 'show' })}
          >
            <Icon name="chevron" class="turn" />
            {isTable ? 'Hide table' : 'Show table'}
          </button>
          {isTable && <ValuesTable data={chart} unit={unit} />}
        </>
      )}
    </>
  )
}

function Current({ info: { current, unit } }: { info: MetricInfo }) {
  return <span class="metric-current">{current === null ? 'no recent data' : withUnit(current, unit)}</span>
}

function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv' }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 1_000)
}

const PAGE = 20

function ValuesTable({ data, unit }: { data: ChartData; unit: string }) {
  const [page, setPage] = useState(0)
  const rows = data.times.map((_, index) => index).reverse()
  const pages = Math.max(1, Math.ceil(rows.length / PAGE))
  const shown = Math.min(page, pages - 1)
  return (
    <div class="table-wrap">
      <table class="table table-narrow">
        <caption class="hidden-visually">{`Values in ${unit === '' ? 'numbers' : unit}`}</caption>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {['Measured', 'Forecast', 'Low', 'High'].map((title) => (
              <th key={title} scope="col" class="number">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(shown * PAGE, (shown + 1) * PAGE).map((index) => (
            <tr key={data.times[index]}>
              <th scope="row">{clockTime((data.times[index] ?? 0) * 1_000)}</th>
              {[data.values, data.median, data.lower, data.upper].map((column, place) => (
                <td key={place} class="number">
                  {amount(column[index] ?? undefined)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <nav class="pager" aria-label="Value pages">
        <button type="button" class="button" disabled={shown === 0} onClick={() => setPage(shown - 1)}>
          Newer
        </button>
        <span>{`${shown + 1} of ${count(pages)}`}</span>
        <button
          type="button"
          class="button"
          disabled={shown === pages - 1}
          onClick={() => setPage(shown + 1)}
        >
          Older
        </button>
      </nav>
    </div>
  )
}
