import type { DeadLetterGroup, DeadLetterRow, JobsPage } from '../../../../src/protocol/index.ts'
import { count, plural } from '../../format/numbers.ts'
import { ago, fullTime } from '../../format/times.ts'
import { act } from '../../live/act.ts'
import { now } from '../../live/live.ts'
import { ActionButton } from '../../parts/action-button.tsx'
import { CopyButton } from '../../parts/copy.tsx'
import { param, setParams } from '../../route/router.ts'
import { type Column, DataTable } from '../../table/data-table.tsx'

type Letters = JobsPage['deadLetters']
type Target = { readonly id?: string; readonly group?: string; readonly queue?: string; readonly limit?: number }

const columns: readonly Column<DeadLetterGroup>[] = [
  { id: 'error', title: 'Failed with', cell: ({ error }) => <span class="cut">{error}</span> },
  { id: 'queue', title: 'Queue', rank: 2, cell: ({ queue }) => queue },
  { id: 'count', title: 'Tasks', isNumber: true, cell: ({ count: tasks }) => count(tasks) },
  { id: 'newest', title: 'Newest', isNumber: true, rank: 3, cell: ({ newestAt }) => ago(newestAt ?? undefined, now.value) },
]

/** Tasks that failed for good, by what they failed with. */
export function DeadLetters({ letters: { total, grouped, groups }, again }: { letters: Letters; again: () => void }) {
  const opened = param('open')
  const retry = async (target: Target): Promise<void> => {
    await act('retry-dead-letters', target, { done: (result) => `${plural(result.count, 'task')} will run again.` })
    again()
  }
  const discard = async (target: Target): Promise<void> => {
    await act('discard-dead-letters', target, { done: (result) => `${plural(result.count, 'dead letter')} discarded.` })
    again()
  }
  return (
    <>
      <div class="section-head">
        <p class="muted">
          {plural(total, 'task')}
          {grouped < total && `, of which the oldest ${count(grouped)} were looked at to group them`}
        </p>
        <span class="buttons">
          {total > 10 && <ActionButton label="Retry 10" run={() => retry({ limit: 10 })} />}
          <ActionButton label="Retry all" confirm={`Retry all ${count(total)}?`} run={() => retry({})} />
        </span>
      </div>
      <DataTable
        label="Dead letters by what they failed with"
        rows={groups}
        idOf={({ key }) => key}
        columns={columns}
        {...(opened === '' ? {} : { opened })}
        onOpen={(open) => setParams({ open })}
        detail={(group) => (
          <div class="detail-body">
            <p class="wrap mono">{group.error}</p>
            <div class="buttons">
              <ActionButton
                label={`Retry ${group.count === 1 ? 'it' : `all ${count(group.count)}`}`}
                isMain
                run={() => retry({ group: group.key })}
              />
              {group.count > 10 && <ActionButton label="Retry 10" run={() => retry({ group: group.key, limit: 10 })} />}
              <ActionButton
                label="Discard"
                confirm={`Discard ${plural(group.count, 'task')} for good?`}
                run={() => discard({ group: group.key })}
              />
            </div>
            <ul class="plain-list">
              {group.letters.map((letter) => (
                <Letter key={letter.id} letter={letter} retry={retry} discard={discard} />
              ))}
            </ul>
            {group.count > group.letters.length && (
              <p class="muted">{`and ${count(group.count - group.letters.length)} more like these`}</p>
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

function Letter({ letter: { id, error, attempts, failedAt, stack, log, data, batchId }, retry, discard }: LetterProps) {
  const more = [...stack, ...log.map((line) => `log: ${line}`)]
  return (
    <li class="letter">
      <div class="plain-text">
        <span>
          <code>{id}</code>
          <span class="muted">
            {` ${plural(attempts, 'attempt')}${batchId === null ? '' : `, of batch ${batchId}`}`}
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
        <ActionButton label="Discard" describe={`Discard ${id}`} confirm="Discard for good?" run={() => discard({ id })} />
      </span>
    </li>
  )
}
