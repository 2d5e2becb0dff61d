import type { QueriesPage as QueriesAnswer, StatementRow } from '../../../src/protocol/index.ts'
import { ago, duration, percent, plural } from '../format.ts'
import { now } from '../live/live.ts'
import { act } from '../live/request-json.ts'
import { useSection } from '../live/use-section.ts'
import { ActionButton } from '../parts/buttons.tsx'
import { Choices, FilterField } from '../parts/filters.tsx'
import { Empty, SectionView } from '../parts/section-view.tsx'
import { param, setParams, sorting } from '../route/router.ts'
import { type Column, DataTable, numberColumn } from '../table/data-table.tsx'
import { AdviceList, StatementDetail } from './statement-detail.tsx'

/** Page: which SQL is the most expensive? */
export function QueriesPage() {
  const loaded = useSection<QueriesAnswer | null>('queries', 'queries')
  return (
    <SectionView section={loaded} off={<Empty title="The database engine is disabled" />}>
      {(data) => <Queries data={data} again={loaded.again} />}
    </SectionView>
  )
}

const number = numberColumn<StatementRow>
const columns: readonly Column<StatementRow>[] = [
  { id: 'sql', title: 'Statement', by: ({ sql }) => sql, cell: ({ sql }) => <code class="cut">{sql}</code> },
  number('calls', 'Calls', { rank: 2 }),
  number('avgMs', 'Average', { show: duration }),
  number('p95Ms', 'p95', { rank: 2, show: duration }),
  number('maxMs', 'Maximum', { rank: 3, show: duration }),
  number('totalMs', 'Share', {
    hint: 'Percentage of the total time of all statements',
    show: (_, { share }) => <Share share={share} />,
  }),
]

function Share({ share }: { share: number }) {
  return (
    <span class="share">
      <span class="share-bar" aria-hidden="true">
        <span style={{ width: `${Math.max(1, share * 100)}%` }} />
      </span>
      {percent(share)}
    </span>
  )
}

function Queries({ data, again }: { data: QueriesAnswer; again: () => void }) {
  const { statements, shapes, calls, totalMs, others, isAttached, advice, inspectedAt, analyzedAt, tables } =
    data
  const [q, kind, opened] = [param('q'), param('kind'), param('open')]
  const part = q.toLowerCase()
  const rows = statements.filter(
    (row) =>
      (kind === 'all' || row.kind === kind) && `${row.sql} ${row.fingerprint}`.toLowerCase().includes(part),
  )
  const inspect = async (analyze: boolean): Promise<void> => {
    await act(
      'inspect-database',
      { analyze },
      {
        done: (result) =>
          `${plural(result.tables, 'table')} analyzed in ${duration(result.tookMs)}: ${plural(result.advice, 'recommendation')}.`,
      },
    )
    again()
  }
  return (
    <>
      <div class="toolbar">
        <FilterField label="Filter by SQL" value={q} onInput={(value) => setParams({ q: value })} />
        <Choices
          label="Kind"
          value={kind}
          options={{ all: 'All', read: 'Reads', write: 'Writes' }}
          onChange={(value) => setParams({ kind: value })}
        />
        <span class="spring" />
        {isAttached && <ActionButton label="Analyze database" run={() => inspect(true)} />}
      </div>
      {statements.length === 0 ? (
        <Empty title={isAttached ? 'No requests yet. Send one to your app.' : 'No database attached'}>
          {!isAttached && (
            <p>
              SQL is seen through an adapter: sluiceAdapter for Prisma, withSluice for Knex, Kysely and
              Drizzle.
            </p>
          )}
        </Empty>
      ) : rows.length === 0 ? (
        <Empty title="No matching statements" />
      ) : (
        <DataTable
          label="Statements"
          rows={rows}
          idOf={({ fingerprint }) => fingerprint}
          columns={columns}
          view={`${q}|${kind}`}
          sort={sorting()}
          opened={opened}
          onOpen={(open) => setParams({ open })}
          detail={(row) => (
            <StatementDetail
              row={row}
              advice={advice.filter((one) => one.statements.includes(row.fingerprint))}
            />
          )}
        />
      )}
      {statements.length > 0 && (
        <p class="note muted">
          {`${plural(calls, 'call')} of ${plural(shapes, 'normalized query', 'normalized queries')}, ${duration(totalMs)} in total.`}
          {others.calls > 0 &&
            ` ${plural(others.calls, 'call')} are not listed, because there are too many normalized queries.`}
        </p>
      )}
      <section aria-labelledby="advice">
        <h2 id="advice">Index recommendations</h2>
        <p class="muted">
          {!isAttached
            ? 'Attach a database to get recommendations.'
            : inspectedAt === null
              ? 'The database has not been inspected yet.'
              : `Inspected ${ago(inspectedAt, now.value)}${tables === null ? '' : `, ${plural(tables, 'table')}`}${analyzedAt === null ? ', not analyzed yet.' : `, analyzed ${ago(analyzedAt, now.value)}.`}`}
        </p>
        {advice.length > 0 ? (
          <AdviceList advice={advice} />
        ) : (
          inspectedAt !== null && <p>No recommendations.</p>
        )}
      </section>
    </>
  )
}
