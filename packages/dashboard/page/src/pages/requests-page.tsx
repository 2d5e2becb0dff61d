import type { RequestSummary } from '../../../src/protocol/index.ts'
import { clockTime, count, duration, fullTime, isError, plural, savedShare } from '../format.ts'
import { live } from '../live/live.ts'
import { Choices, FilterField } from '../parts/filters.tsx'
import { CodeTags, StatusCode } from '../parts/labels.tsx'
import { Empty } from '../parts/section-view.tsx'
import { hrefOf, param, setParams } from '../route/router.ts'
import { type Column, DataTable, numberColumn } from '../table/data-table.tsx'
import { RoutesTable } from './routes-table.tsx'

/** Page: which routes are too expensive? */
export function RequestsPage() {
  const state = live.value
  if (state === undefined) return <p class="loading muted">Connecting to the app…</p>
  const [view, q, show] = [param('view'), param('q'), param('show')]
  const part = q.toLowerCase()
  const routes = state.routes.filter(
    ({ name, flags, errors }) =>
      name.toLowerCase().includes(part) &&
      (show === 'all' || (show === 'flagged' ? flags.length > 0 : errors > 0)),
  )
  const requests = state.requests.filter(
    (request) =>
      request.name.toLowerCase().includes(part) &&
      (show === 'all' || (show === 'flagged' ? request.findings.length > 0 : isError(request))),
  )
  return (
    <>
      <div class="toolbar">
        <Choices
          label="View"
          value={view}
          options={{ routes: 'Routes', latest: 'Latest' }}
          onChange={(value) => setParams({ view: value, open: undefined })}
        />
        <FilterField label="Filter by name" value={q} onInput={(value) => setParams({ q: value })} />
        <Choices
          label="Show"
          value={show}
          options={{ all: 'All', flagged: 'With findings', errors: 'Failed' }}
          onChange={(value) => setParams({ show: value })}
        />
      </div>
      {state.totals.requests === 0 && state.routes.length === 0 ? (
        <Empty title="No requests yet. Send one to your app." />
      ) : view === 'routes' ? (
        routes.length === 0 ? (
          <Empty title="No matching routes" />
        ) : (
          <RoutesTable rows={routes} view={`${q}|${show}`} requests={state.requests} />
        )
      ) : requests.length === 0 ? (
        <Empty title="No matching requests" />
      ) : (
        <LatestTable rows={requests} view={`${q}|${show}`} />
      )}
      {state.skipped > 0 && view === 'latest' && (
        <p class="note muted">{`${plural(state.skipped, 'more request')} finished too quickly to be listed here. Routes include all requests.`}</p>
      )}
    </>
  )
}

interface LatestTableProps {
  readonly rows: readonly RequestSummary[]
  readonly view: string
}

function LatestTable({ rows, view }: LatestTableProps) {
  const number = numberColumn<RequestSummary>
  const columns: readonly Column<RequestSummary>[] = [
    { id: 'name', title: 'Request', cell: ({ name }) => <span class="cut">{name}</span> },
    { id: 'status', title: 'Status', rank: 2, cell: (request) => <StatusCode request={request} /> },
    number('durationMs', 'Duration', { show: duration }),
    number('queries', 'Queries', { show: (value) => quiet(value, count) }),
    number('databaseMs', 'Database', { rank: 2, show: (value) => quiet(value, duration) }),
    {
      id: 'spared',
      title: 'Saved',
      hint: 'Percentage of reads without a separate query',
      isNumber: true,
      rank: 3,
      cell: savedShare,
    },
    { id: 'found', title: 'Findings', rank: 2, cell: ({ findings }) => <CodeTags codes={findings} /> },
    {
      id: 'at',
      title: 'Finished',
      isNumber: true,
      rank: 3,
      cell: ({ startedAt, durationMs }) => (
        <time title={fullTime(startedAt + durationMs)}>{clockTime(startedAt + durationMs)}</time>
      ),
    },
  ]
  return (
    <DataTable
      label="Latest requests"
      rows={rows}
      idOf={({ id }) => id}
      columns={columns}
      view={view}
      href={({ id }) => hrefOf('requests', {}, id)}
    />
  )
}

function quiet(value: number | undefined, format: (value: number | undefined) => string) {
  return value === 0 ? <span class="muted">{format(0)}</span> : format(value)
}
