import { useEffect, useState } from 'preact/hooks'
import type { FindingItem, RequestDetail } from '../../../src/protocol/index.ts'
import { ago, count, duration, fullTime, percent } from '../format.ts'
import { live, now } from '../live/live.ts'
import { type RequestError, requestJson } from '../live/request-json.ts'
import { CopyButton } from '../parts/buttons.tsx'
import { Figures, StatusCode } from '../parts/labels.tsx'
import { Empty } from '../parts/section-view.tsx'
import { hrefOf, param, setParams } from '../route/router.ts'
import { Waterfall } from '../waterfall/waterfall.tsx'
import { FindingBody } from './finding-body.tsx'

/** Page: where the time of one request was spent. */
export function RequestPage({ id }: { id: string }) {
  const [answer, setAnswer] = useState<{ id: string; detail?: RequestDetail; error?: RequestError }>()
  useEffect(() => {
    const abort = new AbortController()
    requestJson<RequestDetail>(`requests/${encodeURIComponent(id)}`, { signal: abort.signal }).then(
      (detail) => setAnswer({ id, detail }),
      (error: RequestError) => abort.signal.aborted || setAnswer({ id, error }),
    )
    return () => abort.abort()
  }, [id])
  if (answer === undefined || answer.id !== id) return <p class="loading muted">Loading…</p>
  if (answer.detail === undefined) return <NotThere error={answer.error} />
  return <Detail detail={answer.detail} />
}

function NotThere({ error }: { error: RequestError | undefined }) {
  const newest = live.value?.requests[0]?.id
  if (error?.status !== 404) return <Empty title="Failed to load this request">{error?.message}</Empty>
  return (
    <Empty title="This request is no longer stored">
      {newest === undefined ? (
        <a href={hrefOf('requests')}>All requests</a>
      ) : (
        <a href={hrefOf('requests', {}, newest)}>Newest request →</a>
      )}
    </Empty>
  )
}

function Detail({ detail }: { detail: RequestDetail }) {
  const {
    name,
    rows,
    found,
    omittedRows,
    durationMs,
    databaseMs,
    queries,
    operations,
    batched,
    prefetched,
    cacheHits,
    startedAt,
    newest,
    id,
    mode,
  } = detail
  const saved = batched + prefetched + cacheHits
  const processes = live.value?.processes ?? []
  const process = processes.length < 2 ? undefined : processes.find((one) => one.id === detail.process)
  const opened = param('row')
  const statements = [...new Set(rows.filter(({ level }) => level === 'statement').map(({ label }) => label))]
  return (
    <>
      <div class="request-head">
        <nav class="crumbs" aria-label="Breadcrumb">
          <a href={hrefOf('requests')}>Requests</a>
        </nav>
        <h1>{name}</h1>
        <p class="muted request-facts">
          <StatusCode request={detail} />
          <time title={fullTime(startedAt)}>{ago(startedAt + durationMs, now.value)}</time>
          <span>{mode}</span>
          <code>{id}</code>
          {process !== undefined && <span>{`process ${process.index}, pid ${process.pid}`}</span>}
          {newest !== id && <a href={hrefOf('requests', {}, newest)}>Newer request →</a>}
        </p>
      </div>
      <div class="with-actions">
        <Figures
          figures={[
            { label: 'Duration', value: duration(durationMs) },
            {
              label: 'Database',
              value: duration(databaseMs),
              note: databaseMs > durationMs ? 'sum of concurrent queries' : undefined,
            },
            { label: 'Operations', value: operations },
            { label: 'Queries', value: queries },
            {
              label: 'Saved',
              value: saved,
              note: saved === 0 ? undefined : percent(saved / (saved + queries)),
            },
          ]}
        />
        <div class="buttons">
          {statements.length > 0 && <CopyButton text={`${statements.join(';\n')};\n`} what="SQL" />}
          <CopyButton text={JSON.stringify(detail, null, 2)} what="JSON" />
        </div>
      </div>
      {found.map((item) => (
        <Found key={item.key} item={item} />
      ))}
      <section aria-labelledby="waterfall">
        <h2 id="waterfall">Waterfall</h2>
        {rows.length === 0 ? (
          <p class="muted">This request sent no queries.</p>
        ) : (
          <Waterfall
            rows={rows}
            durationMs={durationMs}
            opened={opened === '-1' ? undefined : Number(opened)}
            onOpen={(row) => setParams({ row: row === undefined ? undefined : String(row) })}
          />
        )}
        {omittedRows > 0 && (
          <p class="note muted">{`${count(omittedRows)} more groups were not stored, because this request has too many.`}</p>
        )}
      </section>
    </>
  )
}

function Found({ item }: { item: FindingItem }) {
  return (
    <section class="found" aria-label={`${item.title} in this request`}>
      <FindingBody item={item} isShort />
    </section>
  )
}
