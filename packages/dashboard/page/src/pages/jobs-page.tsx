import type {
  DeadLetterGroup,
  DeadLetterRow,
  JobsPage as JobsAnswer,
  QueueRow,
} from '../../../src/protocol/index.ts'
import { Sparkline } from '../charts/sparkline.tsx'
import { ago, amount, count, duration, fullTime, percent, plural } from '../format.ts'
import { now } from '../live/live.ts'
import { act } from '../live/request-json.ts'
import { useSection } from '../live/use-section.ts'
import { ActionButton, CopyButton } from '../parts/buttons.tsx'
import { Figures, StateWord, type Tone } from '../parts/labels.tsx'
import { Empty, SectionView } from '../parts/section-view.tsx'
import { param, setParams } from '../route/router.ts'
import { type Column, DataTable, numberColumn } from '../table/data-table.tsx'

/** Page: which queues are stuck? */
export function JobsPage() {
  const loaded = useSection<JobsAnswer | null>('jobs', 'jobs')
  return (
    <SectionView section={loaded} off={<Empty title="Background jobs are disabled" />}>
      {(data) =>
        data.queues.length === 0 ? (
          <Empty title="No queues yet">
            <p>A queue appears when the app adds its first task.</p>
          </Empty>
        ) : (
          <Jobs data={data} again={loaded.again} />
        )
      }
    </SectionView>
  )
}

const tones: Readonly<Record<QueueRow['health'], Tone>> = {
  healthy: 'good',
  degraded: 'warn',
  unhealthy: 'bad',
}

const queueColumns: readonly Column<QueueRow>[] = [
  { id: 'queue', title: 'Queue', cell: ({ queue }) => <span class="cut">{queue}</span> },
  {
    id: 'health',
    title: 'State',
    cell: ({ health, isPaused }) =>
      isPaused ? <StateWord tone="muted" word="paused" /> : <StateWord tone={tones[health]} word={health} />,
  },
  {
    id: 'depth',
    title: 'Depth',
    hint: 'Waiting and running tasks in the last 2 minutes',
    rank: 2,
    cell: (row) => <Depth row={row} />,
  },
  {
    id: 'queued',
    title: 'Waiting',
    isNumber: true,
    cell: ({ queued, retry, pending }) => queued + retry + pending,
  },
  {
    id: 'processing',
    title: 'Running',
    isNumber: true,
    rank: 3,
    cell: ({ processing, maxConcurrency }) => `${count(processing)} of ${count(maxConcurrency)}`,
  },
  numberColumn<QueueRow>('throughputPerSecond', 'Tasks/s', { rank: 3, show: amount }),
  numberColumn<QueueRow>('deadLetters', 'Dead', {
    hint: 'Dead letters: permanently failed tasks',
    show: (dead) => (dead === 0 ? <span class="muted">0</span> : <StateWord tone="bad" word={count(dead)} />),
  }),
]

function Depth({ row: { depth } }: { row: QueueRow }) {
  const last = depth.at(-1)
  if (last === undefined) return <span class="muted">–</span>
  return (
    <span class="depth">
      <Sparkline points={depth} at={last[0]} gap={15} />
      {count(last[1])}
    </span>
  )
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
          columns={queueColumns}
          opened={queue}
          onOpen={(open) => setParams({ queue: open })}
          detail={(row) => <QueueDetail row={row} again={again} />}
        />
      </section>
      <section aria-labelledby="dead">
        <h2 id="dead">Dead letters</h2>
        {deadLetters.total === 0 ? (
          <p class="muted">No task has failed permanently.</p>
        ) : (
          <DeadLetters letters={deadLetters} again={again} />
        )}
      </section>
    </>
  )
}

function QueueDetail({ row, again }: { row: QueueRow; again: () => void }) {
  const { queue, isPaused, reasons, waitMs, runMs, completed, failed, retried, retryRate, oldestTaskMs } = row
  const pause = async (paused: boolean): Promise<void> => {
    await act(
      paused ? 'pause-queue' : 'resume-queue',
      { queue },
      {
        done: () => (paused ? `${queue} paused. Running tasks continue.` : `${queue} resumed.`),
        undo: () => void pause(!paused),
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
          { label: 'Completed', value: completed },
          { label: 'Failed permanently', value: failed },
          { label: 'Retried', value: retried, note: retried === 0 ? undefined : percent(retryRate) },
          { label: 'p95 wait time', value: duration(waitMs.p95) },
          { label: 'p95 run time', value: duration(runMs.p95) },
          { label: 'Oldest wait', value: duration(oldestTaskMs) },
        ]}
      />
      <p class="muted">
        Waiting, running and dead-lettered tasks are counted in the job backend. The other numbers are from
        the connected processes.
      </p>
      <div class="buttons">
        <ActionButton label={isPaused ? 'Resume' : 'Pause'} run={() => pause(!isPaused)} />
      </div>
    </div>
  )
}

type Letters = JobsAnswer['deadLetters']
type Target = {
  readonly id?: string
  readonly group?: string
  readonly queue?: string
  readonly limit?: number
}

const letterColumns: readonly Column<DeadLetterGroup>[] = [
  { id: 'error', title: 'Error', cell: ({ error }) => <span class="cut">{error}</span> },
  { id: 'queue', title: 'Queue', rank: 2, cell: ({ queue }) => queue },
  numberColumn<DeadLetterGroup>('count', 'Tasks', { show: count }),
  numberColumn<DeadLetterGroup>('newestAt', 'Newest', { rank: 3, show: (at) => ago(at, now.value) }),
]

/** Permanently failed tasks, grouped by error. */
function DeadLetters({
  letters: { total, grouped, groups },
  again,
}: {
  letters: Letters
  again: () => void
}) {
  const opened = param('open')
  const retry = async (target: Target): Promise<void> => {
    await act('retry-dead-letters', target, {
      done: (result) => `${plural(result.count, 'task')} scheduled for retry.`,
    })
    again()
  }
  const discard = async (target: Target): Promise<void> => {
    await act('discard-dead-letters', target, {
      done: (result) => `${plural(result.count, 'dead letter')} discarded.`,
    })
    again()
  }
  return (
    <>
      <div class="section-head">
        <p class="muted">
          {plural(total, 'task')}
          {grouped < total && `, the oldest ${count(grouped)} of them grouped by error`}
        </p>
        <span class="buttons">
          {total > 10 && <ActionButton label="Retry 10" run={() => retry({ limit: 10 })} />}
          <ActionButton label="Retry all" confirm={`Retry all ${count(total)}?`} run={() => retry({})} />
        </span>
      </div>
      <DataTable
        label="Dead letters by error"
        rows={groups}
        idOf={({ key }) => key}
        columns={letterColumns}
        opened={opened}
        onOpen={(open) => setParams({ open })}
        detail={(group) => (
          <div class="detail-body">
            <p class="wrap mono">{group.error}</p>
            <div class="buttons">
              <ActionButton
                label={group.count === 1 ? 'Retry' : `Retry all ${count(group.count)}`}
                isMain
                run={() => retry({ group: group.key })}
              />
              {group.count > 10 && (
                <ActionButton label="Retry 10" run={() => retry({ group: group.key, limit: 10 })} />
              )}
              <ActionButton
                label="Discard"
                confirm={`Discard ${plural(group.count, 'task')} permanently?`}
                run={() => discard({ group: group.key })}
              />
            </div>
            <ul class="plain-list">
              {group.letters.map((letter) => (
                <Letter key={letter.id} letter={letter} retry={retry} discard={discard} />
              ))}
            </ul>
            {group.count > group.letters.length && (
              <p class="muted">{`and ${count(group.count - group.letters.length)} more`}</p>
            )}
          </div>
        )}
      />
    </>
  )
}

interface LetterProps {
  readonly letter: DeadLetterRow
  readonly retry: (target: Target) => Promise<void>
  readonly discard: (target: Target) => Promise<void>
}

function Letter({
  letter: { id, error, attempts, failedAt, stack, log, data, batchId },
  retry,
  discard,
}: LetterProps) {
  const more = [...stack, ...log.map((line) => `log: ${line}`)]
  return (
    <li class="letter">
      <div class="plain-text">
        <span>
          <code>{id}</code>
          <span class="muted">
            {` ${plural(attempts, 'attempt')}${batchId === null ? '' : `, batch ${batchId}`}`}
            {failedAt !== null && (
              <>
                {', failed '}
                <time title={fullTime(failedAt)}>{ago(failedAt, now.value)}</time>
              </>
            )}
          </span>
        </span>
        <span class="wrap">{error}</span>
        {data !== null && <code class="wrap muted">{data}</code>}
        {more.length > 0 && (
          <details>
            <summary>Stack and log</summary>
            <pre class="code">{more.join('\n')}</pre>
            <CopyButton text={more.join('\n')} what="stack" />
          </details>
        )}
      </div>
      <span class="buttons">
        <ActionButton label="Retry" describe={`Retry ${id}`} run={() => retry({ id })} />
        <ActionButton
          label="Discard"
          describe={`Discard ${id}`}
          confirm="Discard permanently?"
          run={() => discard({ id })}
        />
      </span>
    </li>
  )
}
