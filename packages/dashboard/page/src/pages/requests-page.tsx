import { isError } from '../format/request-facts.ts'
import { live } from '../live/live.ts'
import { Choices } from '../parts/choices.tsx'
import { Empty } from '../parts/empty.tsx'
import { FilterField } from '../parts/filter-field.tsx'
import { param, setParams } from '../route/router.ts'
import { LatestTable } from './requests/latest-table.tsx'
import { RoutesTable } from './requests/routes-table.tsx'

/** Which routes overspend? */
export function RequestsPage() {
  const state = live.value
  if (state === undefined) return <p class="loading muted">Connecting to the app…</p>
  const [view, q, show] = [param('view'), param('q'), param('show')]
  const part = q.toLowerCase()
  const routes = state.routes.filter(
    ({ name, flags, errors }) =>
      name.toLowerCase().includes(part) && (show === 'all' || (show === 'flagged' ? flags.length > 0 : errors > 0)),
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
        <Empty title="Watching. Send a request." />
      ) : view === 'routes' ? (
        routes.length === 0 ? (
          <Empty title="No route matches." />
        ) : (
          <RoutesTable rows={routes} view={`${q}|${show}`} requests={state.requests} />
        )
      ) : requests.length === 0 ? (
        <Empty title="None of the latest requests matches." />
      ) : (
        <LatestTable rows={requests} view={`${q}|${show}`} />
      )}
      {state.skipped > 0 && view === 'latest' && (
        <p class="note muted">{`${state.skipped} more ended too fast to be listed here; they are counted among the routes.`}</p>
      )}
    </>
  )
}
