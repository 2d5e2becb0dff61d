import { useState } from 'preact/hooks'
import type { RequestSummary, RouteRow } from '../../../../src/protocol/index.ts'
import { count, duration, percent, plural } from '../../format/numbers.ts'
import { ago } from '../../format/times.ts'
import { act } from '../../live/act.ts'
import { now, rights } from '../../live/live.ts'
import { Figures } from '../../parts/figures.tsx'
import { StatusCode } from '../../parts/status-code.tsx'
import { hrefOf } from '../../route/router.ts'

/** A route, opened: what its figures are of, its latest requests, and its budget. */
export function RouteDetail({ row, requests }: { row: RouteRow; requests: readonly RequestSummary[] }) {
  const { name, sample, errors, p50, p95, p99, sparedShare, newest, newestFlagged, overBudget, budget } = row
  return (
    <div class="detail-body">
      <Figures
        figures={[
          { label: 'Median', value: duration(p50) },
          { label: 'p95', value: duration(p95) },
          { label: 'p99', value: duration(p99) },
          { label: 'Failed', value: count(errors), note: `of ${count(row.requests)}` },
          { label: 'Reads spared', value: percent(sparedShare ?? undefined) },
          ...(budget === null ? [] : [{ label: 'Over budget', value: count(overBudget), note: `of ${count(sample)}` }]),
        ]}
      />
      <p class="muted">{`Averages and percentiles are of the last ${plural(sample, 'request')}.`}</p>
      <div class="buttons">
        {newestFlagged !== null && (
          <a class="button button-main" href={hrefOf('requests', {}, newestFlagged)}>
            Newest with a finding
          </a>
        )}
        {newest !== null && (
          <a class="button" href={hrefOf('requests', {}, newest)}>
            Newest request
          </a>
        )}
        <BudgetForm name={name} budget={budget} />
      </div>
      {requests.length > 0 && (
        <ul class="mini-list">
          {requests.map((request) => (
            <li key={request.id}>
              <a href={hrefOf('requests', {}, request.id)}>{ago(request.startedAt + request.durationMs, now.value)}</a>
              <StatusCode request={request} />
              <span>{duration(request.durationMs)}</span>
              <span>{plural(request.queries, 'query', 'queries')}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

function BudgetForm({ name, budget }: { name: string; budget: number | null }) {
  const [text, setText] = useState(budget === null ? '' : String(budget))
  if (!rights.value.act) return null
  const set = (queries: number | null): Promise<unknown> =>
    act(
      'set-budget',
      { name, queries },
      {
        done: () => (queries === null ? `No budget for ${name} any more.` : `Budget of ${name}: ${plural(queries, 'query', 'queries')}.`),
        undo: () => set(budget),
      },
    )
  const isValid = /^\d{1,6}$/.test(text)
  return (
    <form
      class="inline-form"
      onSubmit={(event) => {
        event.preventDefault()
        if (isValid) set(Number(text))
      }}
    >
      <label>
        <span>Budget</span>
        <input
          class="field field-short"
          inputMode="numeric"
          value={text}
          aria-label={`Most queries of a request of ${name}`}
          placeholder="none"
          onInput={(event) => setText(event.currentTarget.value.trim())}
        />
        <span class="muted">queries</span>
      </label>
      <button type="submit" class="button" disabled={!isValid}>
        Set
      </button>
      {budget !== null && (
        <button
          type="button"
          class="button"
          onClick={() => {
            setText('')
            set(null)
          }}
        >
          Remove
        </button>
      )}
    </form>
  )
}
