import { useEffect, useRef, useState } from 'preact/hooks'
import type { Fill, WaterfallRow } from '../../../src/protocol/index.ts'
import { count, duration, groupTime, plural } from '../format.ts'
import { CopyButton } from '../parts/buttons.tsx'
import { Icon } from '../parts/icon.tsx'
import { PlaceText } from '../parts/labels.tsx'
import { hrefOf } from '../route/router.ts'
import { Sql } from '../sql/sql.tsx'
import { arrangeRows, axisSteps, barOf, isNearEnd, ticksPath, type WaterfallLine } from './arrange.ts'

const BAR = 14
/** Lines per page, which limits the number of elements on the screen. */
const PAGE_LINES = 60
const MAX_TICKS_LISTED = 20

const fills: Readonly<
  Record<
    Fill,
    { readonly look: 'solid' | 'hatched' | 'outline'; readonly word: string; readonly more: string }
  >
> = {
  database: { look: 'solid', word: 'database', more: 'Sent to the database.' },
  batch: { look: 'hatched', word: 'batched', more: 'Batched with another query.' },
  ahead: { look: 'hatched', word: 'prefetched', more: 'Prefetched.' },
  orm: { look: 'hatched', word: 'ORM batch', more: 'Batched by the ORM.' },
  cache: { look: 'outline', word: 'cache', more: 'Served from the cache.' },
}

export interface WaterfallProps {
  readonly rows: readonly WaterfallRow[]
  readonly durationMs: number
  readonly opened: number | undefined
  readonly onOpen: (id: number | undefined) => void
}

/** A timeline of a request: one line per group of queries, with a tick for each query. */
export function Waterfall({ rows, durationMs, opened, onOpen }: WaterfallProps) {
  const axis = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(0)
  const [page, setPage] = useState(0)
  useEffect(() => {
    const element = axis.current
    if (element === null) return undefined
    const watch = new ResizeObserver(() => setWidth(element.clientWidth))
    watch.observe(element)
    setWidth(element.clientWidth)
    return () => watch.disconnect()
  }, [])
  const lines = arrangeRows(rows)
  const totalMs = Math.max(durationMs, ...rows.map(({ endMs }) => endMs), 0.001)
  const pages = Math.ceil(lines.length / PAGE_LINES)
  const shown = lines.slice(page * PAGE_LINES, (page + 1) * PAGE_LINES)
  return (
    <div class="waterfall">
      <Patterns />
      <div class="waterfall-head">
        <Legend />
        <div class="waterfall-axis" ref={axis} aria-hidden="true">
          {axisSteps(totalMs, width > 500 ? 6 : 3).map((step) => (
            <span key={step} class="axis-step" style={{ left: `${(step / totalMs) * 100}%` }}>
              {step === 0 ? '0' : isNearEnd(step, totalMs, width) ? '' : duration(step)}
            </span>
          ))}
        </div>
        <span />
      </div>
      <ol class="waterfall-lines" aria-label="Queries in start order">
        {shown.map((line) => (
          <Line
            key={line.row.id}
            line={line}
            totalMs={totalMs}
            width={width}
            isOpened={line.row.id === opened}
            onToggle={() => onOpen(line.row.id === opened ? undefined : line.row.id)}
          />
        ))}
      </ol>
      {pages > 1 && (
        <nav class="pager" aria-label="Waterfall pages">
          <button type="button" class="button" disabled={page === 0} onClick={() => setPage(page - 1)}>
            Previous
          </button>
          <span>{`${page + 1} of ${pages}`}</span>
          <button type="button" class="button" disabled={page >= pages - 1} onClick={() => setPage(page + 1)}>
            Next
          </button>
        </nav>
      )}
    </div>
  )
}

interface LineProps {
  readonly line: WaterfallLine
  readonly totalMs: number
  readonly width: number
  readonly isOpened: boolean
  readonly onToggle: () => void
}

function Line({ line, totalMs, width, isOpened, onToggle }: LineProps) {
  const { row, depth, continues } = line
  const { look, word } = fills[row.fill]
  const isRepeated = row.finding !== null
  return (
    <li class={`line${isRepeated ? ' line-found' : ''}${isOpened ? ' line-open' : ''}`}>
      {continues.map((isMore, index) => (
        <Guide key={index} at={index} isOwn={index === depth - 1} isMore={isMore} />
      ))}
      <button type="button" class="line-button" aria-expanded={isOpened} data-step="" onClick={onToggle}>
        <span class="line-name" style={{ '--depth': depth }}>
          <Icon name="chevron" class="turn" />
          {row.count > 1 && <span class="times">{`${count(row.count)}×`}</span>}
          <span class="cut">{row.label}</span>
          {row.failed > 0 && (
            <span class="tag bad">{row.failed === row.count ? 'failed' : `${count(row.failed)} failed`}</span>
          )}
        </span>
        <span class="line-bar">
          <svg class={`bar bar-${look}`} width={width} height={BAR} aria-hidden="true">
            {row.count > 1 && <rect class="bar-extent" {...extentOf(row, totalMs, width)} height={BAR} />}
            <path
              fill={look === 'hatched' ? 'url(#hatch)' : undefined}
              d={ticksPath(row.ticks, totalMs, width, BAR)}
            />
          </svg>
        </span>
        <span class="line-time">
          <span>{groupTime(row)}</span>
          <span class="line-fill">{word}</span>
        </span>
      </button>
      {isOpened && <LineDetail line={line} />}
    </li>
  )
}

/** The lines between a row and its parent. */
function Guide({ at, isOwn, isMore }: { at: number; isOwn: boolean; isMore: boolean }) {
  const style = { '--depth': at }
  return (
    <>
      {isMore && <span class="guide" style={style} />}
      {isOwn && <span class="elbow" style={style} />}
    </>
  )
}

function extentOf({ startMs, endMs }: WaterfallRow, totalMs: number, width: number) {
  return barOf(startMs, endMs - startMs, totalMs, width)
}

function LineDetail({ line: { row, statements } }: { line: WaterfallLine }) {
  const { callSite, fix, parameters, ticks, dialect, fingerprint } = row
  const statement =
    dialect !== null ? fingerprint : statements.find((one) => one.dialect !== null)?.fingerprint
  const how =
    row.count === 1
      ? ''
      : row.parallel === 0
        ? ', sequential'
        : row.parallel >= row.count - 1
          ? ', concurrent'
          : `, ${count(row.parallel)} concurrent`
  const sql =
    row.level === 'statement' || / (FROM|INTO|SET) /i.test(row.label)
      ? [row.label]
      : statements.map(({ label }) => label)
  return (
    <div class="line-detail">
      <p>
        {`${fills[row.fill].more} ${plural(row.count, 'execution')}${how}, ${plural(row.rows, 'row')}, from ${duration(row.startMs)} to ${duration(row.endMs)}.`}
      </p>
      <dl class="facts">
        {callSite !== null && (
          <>
            <dt>Call site</dt>
            <dd>
              <PlaceText place={callSite} />
            </dd>
          </>
        )}
        {fix !== null && (
          <>
            <dt>Fix</dt>
            <dd class="with-button">
              <code class="good">{fix}</code>
              <CopyButton text={fix} what="fix" isFix />
            </dd>
          </>
        )}
      </dl>
      {sql.map((text, index) => (
        <div key={index} class="with-button">
          <Sql text={text} />
          <CopyButton text={text} what="SQL" />
          {index === 0 && statement !== undefined && (
            <a class="button" href={hrefOf('queries', { open: statement })}>
              Query plan
            </a>
          )}
        </div>
      ))}
      {parameters !== null && parameters.length > 0 && (
        <p class="mono muted parameters">{`with ${parameters.slice(0, 5).join('  ')}${row.count > 5 ? '  …' : ''}`}</p>
      )}
      {row.count > 1 && (
        <details class="ticks">
          <summary>{`${row.count > ticks.length ? `First ${count(ticks.length)} of ` : ''}${plural(row.count, 'execution')}`}</summary>
          <ol>
            {ticks.slice(0, MAX_TICKS_LISTED).map(([start, took, rows, failed], index) => (
              <li
                key={index}
              >{`at ${duration(start)}: ${duration(took)}, ${plural(rows, 'row')}${failed === 1 ? ', failed' : ''}`}</li>
            ))}
          </ol>
          {ticks.length > MAX_TICKS_LISTED && (
            <p class="muted">{`and ${count(row.count - MAX_TICKS_LISTED)} more`}</p>
          )}
        </details>
      )}
    </div>
  )
}

const legend = [
  { look: 'solid', word: 'database' },
  { look: 'hatched', word: 'batched, prefetched' },
  { look: 'outline', word: 'cache' },
] as const

function Legend() {
  return (
    <ul class="legend" aria-label="Legend">
      {legend.map(({ look, word }) => (
        <li key={look}>
          <svg class={`bar bar-${look}`} width="20" height={10} aria-hidden="true">
            <path fill={look === 'hatched' ? 'url(#hatch)' : undefined} d="M0.5 0.5h19v9h-19z" />
          </svg>
          {word}
        </li>
      ))}
    </ul>
  )
}

function Patterns() {
  return (
    <svg width="0" height="0" class="patterns" aria-hidden="true">
      <defs>
        <pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <path class="hatch-line" d="M0 0v5" />
        </pattern>
      </defs>
    </svg>
  )
}
