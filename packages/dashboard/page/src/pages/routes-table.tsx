import { useState } from 'preact/hooks'
import type { RequestSummary, RouteRow } from '../../../src/protocol/index.ts'
import { ago, amount, count, duration, percent, plural } from '../format.ts'
import { now, rights } from '../live/live.ts'
import { act } from '../live/request-json.ts'
import { Icon } from '../parts/icon.tsx'
import { CodeTags, Figures, StatusCode } from '../parts/labels.tsx'
import { hrefOf, param, setParams, sorting } from '../route/router.ts'
import { type Column, DataTable, numberColumn } from '../table/data-table.tsx'

const number = numberColumn<RouteRow>
const columns: readonly Column<RouteRow>[] = [
  { id: 'name', title: 'Route', by: ({ name }) => name, cell: ({ name }) => <span class="cut">{name}</span> },
  number('requests', 'Requests', { rank: 3 }),
  number('perSecond', 'Req/s', {
    hint: 'Requests per second in the last 10 seconds',
    rank: 3,
    show: amount,
  }),
  number('queries', 'Queries', { hint: 'Average per request', show: (_, row) => <Queries row={row} /> }),
  number('databaseMs', 'Database', { hint: 'Average database time per request', show: duration }),
  number('repeats', 'Avoidable', {
    hint: 'Queries per request that a fix would avoid',
    rank: 2,
    show: (repeats) => (repeats === 0 ? <span class="muted">0</span> : amount(repeats)),
  }),
  number('cacheShare', 'Cache', {
    hint: 'Percentage of reads served from the cache',
    rank: 3,
    show: percent,
  }),
  number('p95', 'p95', { hint: '95% of requests are faster', rank: 2, show: duration }),
  { id: 'flags', title: 'Findings', rank: 2, cell: ({ flags }) => <CodeTags codes={flags} /> },
]

interface RoutesTableProps {
  readonly rows: readonly RouteRow[]
  readonly view: string
  readonly requests: readonly RequestSummary[]
}

/** Routes with average costs per request. */
export function RoutesTable({ rows, view, requests }: RoutesTableProps) {
  const opened = param('open')
  return (
    <DataTable
      label="Routes"
      rows={rows}
      idOf={({ name }) => name}
      columns={columns}
      view={view}
      sort={sorting()}
      opened={opened}
      onOpen={(open) => setParams({ open })}
      detail={(row) => (
        <RouteDetail row={row} requests={requests.filter(({ name }) => name === row.name).slice(0, 5)} />
      )}
    />
  )
}

function Queries({ row: { queries, budget, overBudget } }: { row: RouteRow }) {
  if (budget === null) return <>{amount(queries)}</>
  return (
    <span class={overBudget > 0 ? 'bad' : undefined} title={`Budget: ${count(budget)}`}>
      {overBudget > 0 && <Icon name="alert" />}
      {`${amount(queries)} of ${count(budget)}`}
    </span>
  )
}

/** An opened route: its percentiles, latest requests, and budget. */
function RouteDetail({ row, requests }: { row: RouteRow; requests: readonly RequestSummary[] }) {
  const { name, sample, errors, p50, p95, p99, sparedShare, newest, newestFlagged, overBudget, budget } = row
  return (
    <div class="detail-body">
      <Figures
        figures={[
          { label: 'Median', value: duration(p50) },
          { label: 'p95', value: duration(p95) },
          { label: 'p99', value: duration(p99) },
          { label: 'Failed', value: errors, note: `of ${count(row.requests)}` },
          { label: 'Saved reads', value: percent(sparedShare ?? undefined) },
          ...(budget === null
            ? []
            : [{ label: 'Over budget', value: overBudget, note: `of ${count(sample)}` }]),
        ]}
      />
      <p class="muted">{`Averages and percentiles of the last ${plural(sample, 'request')}.`}</p>
      <div class="buttons">
        {newestFlagged !== null && (
          <a class="button button-main" href={hrefOf('requests', {}, newestFlagged)}>
            Newest request with a finding
          </a>
        )}
        {newest !== null && (
          <a class="button" href={hrefOf('requests', {}, newest)}>
            Newest request
          </a>
        )}
        <BudgetForm name={name} budget={budget} />
      </div>
      {requests.length > 0 && (
        <ul class="mini-list">
          {requests.map((request) => (
            <li key={request.id}>
              <a href={hrefOf('requests', {}, request.id)}>
                {ago(request.startedAt + request.durationMs, now.value)}
              </a>
              <StatusCode request={request} />
              <span>{duration(request.durationMs)}</span>
              <span>{plural(request.queries, 'query', 'queries')}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

function BudgetForm({ name, budget }: { name: string; budget: number | null }) {
  const [text, setText] = useState(budget === null ? '' : String(budget))
  if (!rights.value.act) return null
  const set = (queries: number | null): Promise<unknown> =>
    act(
      'set-budget',
      { name, queries },
      {
        done: () =>
          queries === null
            ? `Budget for ${name} removed.`
            : `Budget for ${name}: ${plural(queries, 'query', 'queries')} per request.`,
        undo: () => set(budget),
      },
    )
  const isValid = /^\d{1,6}$/.test(text)
  return (
    <form
      class="inline-form"
      onSubmit={(event) => {
        event.preventDefault()
        if (isValid) set(Number(text))
      }}
    >
      <label>
        <span>Budget</span>
        <input
          class="field field-short"
          inputMode="numeric"
          value={text}
          aria-label={`Query budget for ${name}`}
          placeholder="none"
          onInput={(event) => setText(event.currentTarget.value.trim())}
        />
        <span class="muted">queries</span>
      </label>
      <button type="submit" class="button" disabled={!isValid}>
        Set
      </button>
      {budget !== null && (
        <button
          type="button"
          class="button"
          onClick={() => {
            setText('')
            set(null)
          }}
        >
          Remove
        </button>
      )}
    </form>
  )
}
