import type { AlertsPage as AlertsAnswer, TimelineEntry } from '../../../src/protocol/index.ts'
import { metricTitle } from '../../../src/protocol/monitor.ts'
import { ago, amount, clockTime, count, fullTime, plural } from '../format.ts'
import { now } from '../live/live.ts'
import { act } from '../live/request-json.ts'
import { useSection } from '../live/use-section.ts'
import { ActionButton } from '../parts/buttons.tsx'
import { Choices } from '../parts/filters.tsx'
import { StateWord, type Tone } from '../parts/labels.tsx'
import { Empty, SectionView } from '../parts/section-view.tsx'
import { hrefOf, param, setParams } from '../route/router.ts'

type Alert = AlertsAnswer['active'][number]

const MAX_SHOWN = 100

/** Page: open alerts, and the history of alerts and scaling decisions. */
export function AlertsPage() {
  const loaded = useSection<AlertsAnswer | null>('alerts', 'alerts')
  return (
    <SectionView
      section={loaded}
      off={<Empty title="Monitoring is disabled. To enable it: createSluice({ monitor: {} })" />}
    >
      {(data) => <Alerts data={data} again={loaded.again} />}
    </SectionView>
  )
}

const tones: Readonly<Record<Alert['severity'], Tone>> = { critical: 'bad', warning: 'warn', info: 'muted' }

function Alerts({ data, again }: { data: AlertsAnswer; again: () => void }) {
  const { active, timeline, policies, recommendations, cost } = data
  const show = param('show')
  const shown = timeline.filter(({ kind }) => show === 'all' || (show === 'alerts') === (kind === 'alert'))
  return (
    <>
      <section aria-labelledby="active">
        <h2 id="active">{active.length === 0 ? 'No open alerts' : plural(active.length, 'open alert')}</h2>
        {active.length > 0 && (
          <ul class="plain-list">
            {active.map((alert) => (
              <OpenAlert key={alert.id} alert={alert} again={again} />
            ))}
          </ul>
        )}
      </section>
      <section aria-labelledby="timeline">
        <div class="section-head">
          <h2 id="timeline">Timeline</h2>
          <Choices
            label="Show"
            value={show}
            options={{ all: 'All', alerts: 'Alerts', scaling: 'Scaling' }}
            onChange={(value) => setParams({ show: value })}
          />
        </div>
        {shown.length === 0 ? (
          <Empty title="No entries" />
        ) : (
          <ol class="timeline">
            {shown.slice(0, MAX_SHOWN).map((entry, index) => (
              <Entry key={`${entry.at}${entry.kind}${index}`} entry={entry} />
            ))}
          </ol>
        )}
        {shown.length > MAX_SHOWN && (
          <p class="muted">{`and ${count(shown.length - MAX_SHOWN)} older entries`}</p>
        )}
      </section>
      {(recommendations.length > 0 || cost !== null || policies.length > 0) && (
        <section aria-labelledby="scaling">
          <h2 id="scaling">Scaling and tuning</h2>
          {cost !== null && (
            <p>{`${amount(cost.workerHours)} worker hours in ${amount(cost.hours)} h. The load required ${amount(cost.leastWorkerHours)}.`}</p>
          )}
          <ul class="rows rows-text">
            {policies.map(({ id, name, metric, threshold, scaleDirection, scaleAmount, enabled }) => (
              <li key={id}>
                <span class="rows-name">{name}</span>
                <span>{`${scaleDirection} by ${amount(scaleAmount)}% when ${metricTitle(metric)} is ${scaleDirection === 'up' ? 'above' : 'below'} ${amount(threshold)}`}</span>
                <span class="muted">{enabled ? '' : 'disabled'}</span>
              </li>
            ))}
          </ul>
          <ul class="bullets">
            {recommendations.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </section>
      )}
    </>
  )
}

function OpenAlert({ alert, again }: { alert: Alert; again: () => void }) {
  const { id, severity, message, metric, source, raisedAt, status, acknowledgedBy } = alert
  const isOpened = param('open') === id
  const acknowledge = async (): Promise<void> => {
    await act('acknowledge-alert', { id }, { done: () => 'Acknowledged. It stays open.' })
    again()
  }
  const resolve = async (): Promise<void> => {
    await act('resolve-alert', { id }, { done: () => 'Resolved.' })
    again()
  }
  return (
    <li class={isOpened ? 'advice chosen' : 'advice'}>
      <StateWord tone={tones[severity]} word={severity} />
      <div class="plain-text">
        <strong>{message}</strong>
        <span class="muted">
          <a href={hrefOf('metrics', { metric })}>{metricTitle(metric)}</a>
          {`${source === '' ? '' : ` from ${source}`}, raised `}
          <time title={fullTime(raisedAt)}>{ago(raisedAt, now.value)}</time>
          {status === 'acknowledged' &&
            `, acknowledged${acknowledgedBy === undefined ? '' : ` by ${acknowledgedBy}`}`}
        </span>
      </div>
      <span class="buttons">
        {status === 'active' && (
          <ActionButton label="Acknowledge" describe={`Acknowledge ${message}`} isMain run={acknowledge} />
        )}
        <ActionButton label="Resolve" describe={`Resolve ${message}`} run={resolve} />
      </span>
    </li>
  )
}

function Entry({ entry }: { entry: TimelineEntry }) {
  return (
    <li class="entry">
      <time title={fullTime(entry.at)}>{clockTime(entry.at)}</time>
      {entry.kind === 'alert' ? (
        <AlertEntry entry={entry} />
      ) : entry.kind === 'scaling' ? (
        <ScalingEntry entry={entry} />
      ) : (
        <SkipEntry entry={entry} />
      )}
    </li>
  )
}

function AlertEntry({ entry: { change, alert } }: { entry: Extract<TimelineEntry, { kind: 'alert' }> }) {
  const { acknowledgedBy, resolvedBy } = alert
  const isResolved = change === 'resolved'
  const by = isResolved ? resolvedBy : change === 'acknowledged' ? acknowledgedBy : undefined
  return (
    <>
      <StateWord
        tone={isResolved ? 'good' : change === 'raised' ? tones[alert.severity] : 'muted'}
        word={change}
      />
      <span class="plain-text">
        <span>{alert.message}</span>
        {(isResolved || by !== undefined) && (
          <span class="muted">{by === undefined ? 'automatically' : `by ${by}`}</span>
        )}
      </span>
    </>
  )
}

const ARROWS = { up: '↑', down: '↓', none: '→' } as const

function ScalingEntry({ entry: { event } }: { entry: Extract<TimelineEntry, { kind: 'scaling' }> }) {
  const { direction, from, to, reasons, isDryRun, by } = event
  return (
    <>
      <span class="state">
        <span class="arrow" aria-hidden="true">
          {ARROWS[direction]}
        </span>
        {direction === 'none' ? 'Forecasts' : `Scaled ${direction}`}
      </span>
      <span class="plain-text">
        <strong>{`${count(from)} → ${count(to)} workers${isDryRun ? ', dry run: no scaling target' : ''}`}</strong>
        {reasons.map((reason) => (
          <span key={reason} class="muted">
            {reason}
          </span>
        ))}
        {by !== undefined && <span class="muted">{`by ${by}`}</span>}
      </span>
    </>
  )
}

function SkipEntry({ entry: { skip } }: { entry: Extract<TimelineEntry, { kind: 'skip' }> }) {
  return (
    <>
      <StateWord tone="muted" word="not scaled" />
      <span class="plain-text muted">{`${skip.reason}${skip.count > 1 ? ` ${count(skip.count)}×` : ''}`}</span>
    </>
  )
}
