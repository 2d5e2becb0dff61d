import type { RequestSummary, RouteRow } from '../../../../src/protocol/index.ts'
import { amount, count, duration, percent } from '../../format/numbers.ts'
import { CodeTags } from '../../parts/code-tags.tsx'
import { Icon } from '../../parts/icon.tsx'
import { param, setParams } from '../../route/router.ts'
import { type Column, DataTable } from '../../table/data-table.tsx'
import { RouteDetail } from './route-detail.tsx'

const columns: readonly Column<RouteRow>[] = [
  { id: 'name', title: 'Route', by: ({ name }) => name, cell: ({ name }) => <span class="cut">{name}</span> },
  { id: 'requests', title: 'Requests', isNumber: true, rank: 3, by: ({ requests }) => requests, cell: ({ requests }) => count(requests) },
  {
    id: 'perSecond',
    title: 'Per s',
    hint: 'Requests a second, in the last ten',
    isNumber: true,
    rank: 3,
    by: ({ perSecond }) => perSecond,
    cell: ({ perSecond }) => amount(perSecond),
  },
  {
    id: 'queries',
    title: 'Queries',
    hint: 'For a request, on average',
    isNumber: true,
    by: ({ queries }) => queries,
    cell: (row) => <Queries row={row} />,
  },
  {
    id: 'databaseMs',
    title: 'Database',
    hint: 'Time of the database for a request, on average',
    isNumber: true,
    by: ({ databaseMs }) => databaseMs,
    cell: ({ databaseMs }) => duration(databaseMs),
  },
  {
    id: 'repeats',
    title: 'Repeats',
    hint: 'Queries that asking once would spare, for a request',
    isNumber: true,
    rank: 2,
    by: ({ repeats }) => repeats,
    cell: ({ repeats }) => (repeats === 0 ? <span class="muted">0</span> : amount(repeats)),
  },
  {
    id: 'cacheShare',
    title: 'Cache',
    hint: 'Reads that were answered from the cache',
    isNumber: true,
    rank: 3,
    by: ({ cacheShare }) => cacheShare,
    cell: ({ cacheShare }) => percent(cacheShare ?? undefined),
  },
  {
    id: 'p95',
    title: 'p95',
    hint: 'One request in twenty takes longer',
    isNumber: true,
    rank: 2,
    by: ({ p95 }) => p95,
    cell: ({ p95 }) => duration(p95),
  },
  { id: 'flags', title: 'Found', rank: 2, cell: ({ flags }) => <CodeTags codes={flags} /> },
]

export interface RoutesTableProps {
  readonly rows: readonly RouteRow[]
  readonly view: string
  readonly requests: readonly RequestSummary[]
}

/** What requests of each name cost, on average. */
export function RoutesTable({ rows, view, requests }: RoutesTableProps) {
  const opened = param('open')
  return (
    <DataTable
      label="Routes"
      rows={rows}
      idOf={({ name }) => name}
      columns={columns}
      view={view}
      sort={{
        by: param('sort'),
        isUp: param('order') === 'up',
        onSort: (by, isUp) => setParams({ sort: by, order: isUp ? 'up' : 'down' }),
      }}
      {...(opened === '' ? {} : { opened })}
      onOpen={(open) => setParams({ open })}
      detail={(row) => <RouteDetail row={row} requests={requests.filter(({ name }) => name === row.name).slice(0, 5)} />}
    />
  )
}

function Queries({ row: { queries, budget, overBudget } }: { row: RouteRow }) {
  if (budget === null) return <>{amount(queries)}</>
  return (
    <span class={overBudget > 0 ? 'bad' : undefined} title={`The budget is ${budget}`}>
      {overBudget > 0 && <Icon name="alert" />}
      {`${amount(queries)} of ${count(budget)}`}
    </span>
  )
}
