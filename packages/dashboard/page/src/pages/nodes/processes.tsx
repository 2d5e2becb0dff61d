import type { ProcessRow } from '../../../../src/protocol/index.ts'
import { duration, span, withUnit } from '../../format/numbers.ts'
import { live, now } from '../../live/live.ts'
import { StateWord } from '../../parts/severity.tsx'
import { type Column, DataTable } from '../../table/data-table.tsx'

const columns: readonly Column<ProcessRow>[] = [
  { id: 'process', title: 'Process', cell: ({ index, pid, hostname }) => <span class="cut">{`${index}: ${hostname}, pid ${pid}`}</span> },
  {
    id: 'state',
    title: 'State',
    cell: ({ id, isAnswering }) =>
      isAnswering ? (
        <StateWord tone="good" word={id === live.value?.process.id ? 'this one' : 'answers'} />
      ) : (
        <StateWord tone="bad" word="silent" />
      ),
  },
  {
    id: 'requests',
    title: 'Requests',
    isNumber: true,
    rank: 2,
    cell: ({ requestsPerSecond }) => withUnit(requestsPerSecond ?? undefined, '/s'),
  },
  { id: 'cpu', title: 'CPU', isNumber: true, rank: 2, cell: ({ cpu }) => withUnit(cpu ?? undefined, '%') },
  { id: 'memory', title: 'Memory', isNumber: true, rank: 3, cell: ({ memory }) => withUnit(memory ?? undefined, '%') },
  {
    id: 'delay',
    title: 'Event loop',
    hint: 'How late it was',
    isNumber: true,
    rank: 3,
    cell: ({ eventLoopDelay }) => duration(eventLoopDelay ?? undefined),
  },
  { id: 'age', title: 'Age', isNumber: true, rank: 3, cell: ({ startedAt }) => span((now.value - startedAt) / 1_000) },
]

/** The processes whose figures are shown together; nothing where there is one. */
export function Processes() {
  const processes = live.value?.processes ?? []
  if (processes.length < 2) return null
  return (
    <section aria-labelledby="processes">
      <h2 id="processes">Processes</h2>
      <DataTable label="Processes" rows={processes} idOf={({ id }) => id} columns={columns} />
    </section>
  )
}
