import type { RankedItem, Section, Sparkline as SparklineData, Totals } from '../../../src/protocol/index.ts'
import { mostOf, Sparkline } from '../charts/sparkline.tsx'
import { amount, count, duration, NONE, percent, plural } from '../format.ts'
import { live, now } from '../live/live.ts'
import { act } from '../live/request-json.ts'
import { ActionButton } from '../parts/buttons.tsx'
import { SeverityWord } from '../parts/labels.tsx'
import { Empty } from '../parts/section-view.tsx'
import { hrefOf } from '../route/router.ts'

function overhead({ overheadMs, timedRequests }: Totals): string {
  const ms = overheadMs / timedRequests
  return ms < 1 ? `${count(Math.max(1, Math.round(ms * 1_000)))} µs` : duration(ms)
}

/** Page: current problems, worst first. */
export function NowPage() {
  const state = live.value
  if (state === undefined) return <p class="loading muted">Connecting to the app…</p>
  const { ranked, sparklines, totals } = state
  const isQuiet = totals.requests === 0 && ranked.length === 0
  return (
    <>
      <ul class="vitals" aria-label="The last 2 minutes">
        {sparklines.map((line) => (
          <Vital key={line.id} line={line} />
        ))}
      </ul>
      <section aria-labelledby="ranked">
        <h2 id="ranked">{isQuiet ? 'Findings' : ranked.length === 0 ? 'No problems' : 'Problems'}</h2>
        {isQuiet ? (
          <Empty title="No requests yet. Send one to your app." />
        ) : ranked.length === 0 ? (
          <p class="muted">{`No findings, alerts or stuck tasks in ${plural(totals.requests, 'request')}.`}</p>
        ) : (
          <ol class="ranked">
            {ranked.map((item) => (
              <Ranked key={item.key} item={item} />
            ))}
          </ol>
        )}
      </section>
      {totals.operations > 0 && (
        <p class="totals muted">
          {`Since startup: ${plural(totals.operations, 'operation')}, ${plural(totals.queries, 'query', 'queries')} sent to the database, ${plural(totals.spared, 'query', 'queries')} saved (${percent(
            totals.spared / Math.max(1, totals.spared + totals.queries),
          )}).`}
          {totals.timedRequests > 0 &&
            ` Overhead of Sluice: ${overhead(totals)} per request, ${percent(totals.overheadMs / Math.max(totals.overheadMs, totals.timedMs))} of the request time.`}
          {totals.errors > 0 &&
            ` ${plural(totals.errors, 'internal error')}: the ORM ran these operations without Sluice.`}
        </p>
      )}
    </>
  )
}

/** Age after which the last point is no longer the current value, in milliseconds. */
const RECENT_MS = 15_000
const WINDOW_MS = 120_000

function Vital({ line: { id, label, unit, points } }: { line: SparklineData }) {
  const shown = points.filter(([at]) => at > now.value - WINDOW_MS)
  const last = shown.at(-1)
  const isRecent = last !== undefined && now.value - last[0] < RECENT_MS
  return (
    <li class="vital">
      <span class="vital-label">{label}</span>
      <span class="vital-value">
        {isRecent ? amount(last[1]) : NONE}
        <span class="unit">{isRecent ? unit : 'no recent data'}</span>
      </span>
      <span class="vital-most">{shown.length > 0 && `max ${amount(mostOf(shown))}`}</span>
      {/* Only the number of requests has a value in a second without requests. */}
      <Sparkline points={shown} at={now.value} gap={id === 'requests' ? 5 : 60} />
    </li>
  )
}

function Ranked({ item }: { item: RankedItem }) {
  const { severity, title, detail, mutes } = item
  return (
    <li class="ranked-item">
      <span class="ranked-severity">
        <SeverityWord severity={severity} />
      </span>
      <span class="ranked-text">
        <a class="ranked-title" href={hrefOfItem(item)} data-step="">
          {title}
        </a>
        <span class="muted">{detail}</span>
      </span>
      <span class="buttons">
        {mutes !== null && <MuteButton id={mutes} title={title} />}
        <a class="button" href={hrefOfItem(item)} aria-label={`Open ${title}`}>
          Open
        </a>
      </span>
    </li>
  )
}

function MuteButton({ id, title }: { id: string; title: string }) {
  const mute = (muted: boolean): Promise<unknown> =>
    act(
      'mute-finding',
      { id, muted },
      muted
        ? { done: () => 'Muted until the app restarts.', undo: () => mute(false) }
        : { done: () => 'Unmuted.' },
    )
  return <ActionButton label="Mute" describe={`Mute ${title}`} run={() => mute(true)} />
}

/** The parameter that opens an item on its page. */
const openedBy: Readonly<Record<Section, string>> = {
  now: '',
  requests: 'open',
  findings: 'open',
  queries: 'open',
  cache: '',
  nodes: 'open',
  jobs: 'queue',
  metrics: 'metric',
  alerts: 'open',
}

function hrefOfItem({ section, target }: RankedItem): string {
  const name = openedBy[section]
  return hrefOf(section, target === null || name === '' ? {} : { [name]: target })
}
