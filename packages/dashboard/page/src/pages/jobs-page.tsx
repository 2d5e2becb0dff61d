import type { JobsPage as JobsAnswer, QueueRow } from '../../../src/protocol/index.ts'
import { Sparkline } from '../charts/sparkline.tsx'
import { amount, count, duration, percent } from '../format/numbers.ts'
import { act } from '../live/act.ts'
import { useSection } from '../live/use-section.ts'
import { ActionButton } from '../parts/action-button.tsx'
import { Empty } from '../parts/empty.tsx'
import { Figures } from '../parts/figures.tsx'
import { SectionView } from '../parts/section-view.tsx'
import { StateWord, type Tone } from '../parts/severity.tsx'
import { param, setParams } from '../route/router.ts'
import { type Column, DataTable } from '../table/data-table.tsx'
import { DeadLetters } from './jobs/dead-letters.tsx'

/** What is stuck? */
export function JobsPage() {
  const asked = useSection<JobsAnswer | null>('jobs', 'jobs')
  return (
    <SectionView asked={asked} off={<Empty title="No queue" />}>
      {(data) =>
        data.queues.length === 0 ? (
          <Empty title="No queue">
            <p>Queues appear when the app enqueues its first task.</p>
          </Empty>
        ) : (
          <Jobs data={data} again={asked.again} />
        )
      }
    </SectionView>
  )
}

const tones: Readonly<Record<QueueRow['health'], Tone>> = { healthy: 'good', degraded: 'warn', unhealthy: 'bad' }

const columns: readonly Column<QueueRow>[] = [
  { id: 'queue', title: 'Queue', cell: ({ queue }) => <span class="cut">{queue}</span> },
  {
    id: 'health',
    title: 'State',
    cell: ({ health, isPaused }) =>
      isPaused ? <StateWord tone="muted" word="paused" /> : <StateWord tone={tones[health]} word={health} />,
  },
  { id: 'depth', title: 'Depth', hint: 'Waiting and running tasks, the last two minutes', rank: 2, cell: (row) => <Depth row={row} /> },
  { id: 'queued', title: 'Waiting', isNumber: true, cell: ({ queued, retry, pending }) => count(queued + retry + pending) },
  {
    id: 'processing',
    title: 'Running',
    isNumber: true,
    rank: 3,
    cell: ({ processing, maxConcurrency }) => `${count(processing)} of ${count(maxConcurrency)}`,
  },
  { id: 'throughput', title: 'Per s', isNumber: true, rank: 3, cell: ({ throughputPerSecond }) => amount(throughputPerSecond) },
  {
    id: 'dead',
    title: 'Dead',
    hint: 'Tasks that failed for good',
    isNumber: true,
    cell: ({ deadLetters }) => (deadLetters === 0 ? <span class="muted">0</span> : <StateWord tone="bad" word={count(deadLetters)} />),
  },
]

function Depth({ row: { depth } }: { row: QueueRow }) {
  const last = depth.at(-1)
  if (last === undefined) return <span class="muted">–</span>
  return (
    <span class="depth">
      <DepthLine depth={depth} at={last[0]} />
      {count(last[1])}
    </span>
  )
}

/** One value every five seconds: each stands for the seconds up to the next. */
function DepthLine({ depth, at }: { depth: QueueRow['depth']; at: number }) {
  const points = depth.flatMap(([when, value]) => [0, 1, 2, 3, 4].map((second) => [when + second * 1_000, value] as const))
  return <Sparkline points={points} at={at} />
}

function Jobs({ data: { queues, deadLetters }, again }: { data: JobsAnswer; again: () => void }) {
  const queue = param('queue')
  return (
    <>
      <section aria-label="Queues">
        <DataTable
          label="Queues"
          rows={queues}
          idOf={(row) => row.queue}
          columns={columns}
          {...(queue === '' ? {} : { opened: queue })}
          onOpen={(open) => setParams({ queue: open })}
          detail={(row) => <QueueDetail row={row} again={again} />}
        />
      </section>
      <section aria-labelledby="dead">
        <h2 id="dead">Dead letters</h2>
        {deadLetters.total === 0 ? (
          <p class="muted">None: no task has failed for good.</p>
        ) : (
          <DeadLetters letters={deadLetters} again={again} />
        )}
      </section>
    </>
  )
}

function QueueDetail({ row, again }: { row: QueueRow; again: () => void }) {
  const { queue, isPaused, reasons, waitMs, runMs, completed, failed, retried, retryRate, oldestTaskMs } = row
  const pause = async (wanted: boolean): Promise<void> => {
    await act(
      wanted ? 'pause-queue' : 'resume-queue',
      { queue },
      {
        done: () => (wanted ? `${queue} is paused: running tasks go on, others wait.` : `${queue} runs again.`),
        undo: () => void pause(!wanted),
      },
    )
    again()
  }
  return (
    <div class="detail-body">
      {reasons.map((reason) => (
        <p key={reason} class="state warn">
          {reason}
        </p>
      ))}
      <Figures
        figures={[
          { label: 'Completed', value: count(completed) },
          { label: 'Failed for good', value: count(failed) },
          { label: 'Retried', value: count(retried), note: retried === 0 ? undefined : percent(retryRate) },
          { label: 'Wait, p95', value: duration(waitMs.p95) },
          { label: 'Run, p95', value: duration(runMs.p95) },
          { label: 'Oldest waits', value: duration(oldestTaskMs) },
        ]}
      />
      <p class="muted">Waiting, running and dead tasks are counted where they are kept; the rest is what this process saw.</p>
      <div class="buttons">
        <ActionButton label={isPaused ? 'Resume' : 'Pause'} run={() => pause(!isPaused)} />
      </div>
    </div>
  )
}
