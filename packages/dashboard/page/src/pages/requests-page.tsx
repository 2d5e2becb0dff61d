import type { RequestSummary } from '../../../src/protocol/index.ts'
import { count, duration, plural } from '../format/numbers.ts'
import { isError, savedShare } from '../format/request-facts.ts'
import { clockTime, fullTime } from '../format/times.ts'
import { live } from '../live/live.ts'
import { Choices, FilterField } from '../parts/filters.tsx'
import { Empty } from '../parts/section-view.tsx'
import { CodeTags, StatusCode } from '../parts/state-words.tsx'
import { hrefOf, param, setParams } from '../route/router.ts'
import { type Column, DataTable } from '../table/data-table.tsx'
import { RoutesTable } from './requests/routes-table.tsx'

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
          options={[
            { value: 'routes', label: 'Routes' },
            { value: 'latest', label: 'Latest' },
          ]}
          onChange={(value) => setParams({ view: value, open: undefined })}
        />
        <FilterField label="Filter by name" value={q} onInput={(value) => setParams({ q: value })} />
        <Choices
          label="Show"
          value={show}
          options={[
            { value: 'all', label: 'All' },
            { value: 'flagged', label: 'With findings' },
            { value: 'errors', label: 'Failed' },
          ]}
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

/** The latest requests, newest first. */
function LatestTable({ rows, view }: LatestTableProps) {
  const columns: readonly Column<RequestSummary>[] = [
    { id: 'name', title: 'Request', cell: ({ name }) => <span class="cut">{name}</span> },
    { id: 'status', title: 'Status', rank: 2, cell: (request) => <StatusCode request={request} /> },
    { id: 'duration', title: 'Duration', isNumber: true, cell: ({ durationMs }) => duration(durationMs) },
    {
      id: 'queries',
      title: 'Queries',
      isNumber: true,
      cell: ({ queries }) => <Quiet value={queries} text={count(queries)} />,
    },
    {
      id: 'database',
      title: 'Database',
      isNumber: true,
      rank: 2,
      cell: ({ databaseMs }) => <Quiet value={databaseMs} text={duration(databaseMs)} />,
    },
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

/** Shows zero in a muted color. */
function Quiet({ value, text }: { value: number; text: string }) {
  return value === 0 ? <span class="muted">{text}</span> : text
}
