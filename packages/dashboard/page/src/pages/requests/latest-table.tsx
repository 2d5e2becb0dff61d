import type { RequestSummary } from '../../../../src/protocol/index.ts'
import { count, duration } from '../../format/numbers.ts'
import { sparedShare } from '../../format/request-facts.ts'
import { clockTime, fullTime } from '../../format/times.ts'
import { CodeTags } from '../../parts/code-tags.tsx'
import { StatusCode } from '../../parts/status-code.tsx'
import { hrefOf } from '../../route/router.ts'
import { type Column, DataTable } from '../../table/data-table.tsx'

export interface LatestTableProps {
  readonly rows: readonly RequestSummary[]
  readonly view: string
}

/** Requests as they end, the newest first. */
export function LatestTable({ rows, view }: LatestTableProps) {
  const columns: readonly Column<RequestSummary>[] = [
    { id: 'name', title: 'Request', cell: ({ name }) => <span class="cut">{name}</span> },
    { id: 'status', title: 'Status', rank: 2, cell: (request) => <StatusCode request={request} /> },
    { id: 'duration', title: 'Took', isNumber: true, cell: ({ durationMs }) => duration(durationMs) },
    { id: 'queries', title: 'Queries', isNumber: true, cell: ({ queries }) => <Quiet value={queries} text={count(queries)} /> },
    {
      id: 'database',
      title: 'Database',
      isNumber: true,
      rank: 2,
      cell: ({ databaseMs }) => <Quiet value={databaseMs} text={duration(databaseMs)} />,
    },
    {
      id: 'spared',
      title: 'Spared',
      hint: 'Reads that were answered without a query of their own',
      isNumber: true,
      rank: 3,
      cell: sparedShare,
    },
    { id: 'found', title: 'Found', rank: 2, cell: ({ findings }) => <CodeTags codes={findings} /> },
    {
      id: 'at',
      title: 'Ended',
      isNumber: true,
      rank: 3,
      cell: ({ startedAt, durationMs }) => <time title={fullTime(startedAt + durationMs)}>{clockTime(startedAt + durationMs)}</time>,
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

/** Nothing is written more quietly than something. */
function Quiet({ value, text }: { value: number; text: string }) {
  return value === 0 ? <span class="muted">{text}</span> : text
}
