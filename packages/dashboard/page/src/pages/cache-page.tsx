import { useState } from 'preact/hooks'
import type { CachePage as CacheAnswer } from '../../../src/protocol/index.ts'
import { bytes, count, duration, percent, plural } from '../format.ts'
import { live, rights } from '../live/live.ts'
import { act } from '../live/request-json.ts'
import { useSection } from '../live/use-section.ts'
import { ActionButton, CopyButton } from '../parts/buttons.tsx'
import { Icon } from '../parts/icon.tsx'
import { Figures, shown } from '../parts/labels.tsx'
import { Empty, SectionView } from '../parts/section-view.tsx'
import { YieldSection } from './yield-section.tsx'

const ENABLE = "createSluice({ mode: 'optimize', cache: {} })"

/** Page: is the cache effective? */
export function CachePage() {
  const loaded = useSection<CacheAnswer | null>('cache', 'cache')
  return (
    <>
      {live.value?.mode === 'observe' && <YieldSection />}
      <SectionView section={loaded} off={<Off />}>
        {(data) => <Cache data={data} again={loaded.again} />}
      </SectionView>
    </>
  )
}

function Off() {
  return (
    <Empty title={`The cache is disabled. To enable it: ${ENABLE}`}>
      <CopyButton text={ENABLE} what="code" />
    </Empty>
  )
}

function Cache({ data, again }: { data: CacheAnswer; again: () => void }) {
  const {
    stats,
    efficiency,
    results,
    tiered,
    cacheHits,
    batched,
    prefetched,
    queries,
    passedThrough,
    isKeeping,
    operations,
  } = data
  const namespaces = Object.entries(efficiency.hitRateByNamespace).sort(([left], [right]) =>
    left.localeCompare(right),
  )
  const [isWarming, setWarming] = useState(false)
  const clear = async (namespace?: string): Promise<void> => {
    await act('clear-cache', namespace === undefined ? {} : { namespace }, {
      done: () => (namespace === undefined ? 'Cache cleared.' : `${namespace} cleared.`),
    })
    again()
  }
  return (
    <>
      {!isKeeping && (
        <p class="note state">{`Query results are not cached in ${live.value?.mode ?? 'observe'} mode. To cache them, set mode: 'optimize'.`}</p>
      )}
      <section aria-labelledby="reads">
        <h2 id="reads">Reads by source</h2>
        <Split
          parts={[
            { look: 'solid', label: 'database', value: queries },
            { look: 'outline', label: 'cache', value: cacheHits },
            { look: 'hatched', label: 'batched', value: batched },
            { look: 'hatched', label: 'prefetched', value: prefetched },
          ]}
        />
        <p class="muted">{`${plural(operations, 'operation')} since startup, ${plural(queries, 'query', 'queries')} sent to the database.`}</p>
      </section>
      <section aria-labelledby="memory">
        <div class="section-head">
          <h2 id="memory">Memory</h2>
          <div class="buttons">
            {rights.value.act && (
              <button
                type="button"
                class="button"
                aria-expanded={isWarming}
                onClick={() => setWarming(!isWarming)}
              >
                Warm
              </button>
            )}
            <ActionButton
              label="Clear cache"
              confirm={`Clear ${plural(stats.itemCount, 'entry', 'entries')}?`}
              run={() => clear()}
            />
          </div>
        </div>
        {isWarming && rights.value.act && <WarmForm done={again} />}
        <Meter value={stats.usedMemory} most={stats.totalMemory} />
        <Figures
          figures={[
            { label: 'Entries', value: stats.itemCount },
            { label: 'Hits', value: stats.hits, note: `of ${count(stats.hits + stats.misses)}` },
            { label: 'Hit rate', value: stats.hits + stats.misses === 0 ? '–' : percent(stats.hitRate) },
            { label: 'Evicted', value: stats.evictions },
            { label: 'Expired', value: stats.expirations },
            { label: 'Never read', value: efficiency.entriesNeverHit },
            { label: 'Read time', value: duration(stats.averageAccessTimeMs) },
          ]}
        />
      </section>
      {namespaces.length > 0 && (
        <section aria-labelledby="namespaces">
          <h2 id="namespaces">Namespaces</h2>
          <ul class="rows rows-3">
            {namespaces.slice(0, 50).map(([name, rate]) => (
              <li key={name}>
                <span class="rows-name cut">{name}</span>
                <span class="rows-value">{`${percent(rate)} hits`}</span>
                <ActionButton
                  label="Clear"
                  confirm={`Clear ${name}?`}
                  describe={`Clear ${name}`}
                  run={() => clear(name)}
                />
              </li>
            ))}
          </ul>
        </section>
      )}
      <Requests title="Query results" stats={results} />
      <Requests title="Values of the app" stats={tiered} />
      {passedThrough.length > 0 && (
        <section aria-labelledby="passed">
          <h2 id="passed">Passed through, by reason</h2>
          <ul class="rows rows-2">
            {passedThrough.slice(0, 12).map(({ reason, text, count: times }) => (
              <li key={reason}>
                <span class="rows-name" title={reason}>
                  {text}
                </span>
                <span class="rows-value">{shown(times)}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  )
}

/** Requests for cached values; not rendered without any. */
function Requests({ title, stats }: { title: string; stats: CacheAnswer['tiered'] }) {
  if (stats.hits + stats.loads === 0) return null
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      <Figures
        figures={[
          { label: 'Hits', value: stats.hits },
          { label: 'Store hits', value: stats.storeHits },
          { label: 'Loads', value: stats.loads },
          { label: 'Load errors', value: stats.loadErrors },
          { label: 'Stale hits', value: stats.staleHits },
          { label: 'Stale on error', value: stats.graceHits },
          { label: 'Store errors', value: stats.storeErrors },
        ]}
      />
    </section>
  )
}

interface Part {
  readonly look: 'solid' | 'hatched' | 'outline'
  readonly label: string
  readonly value: number
}

/** Parts of a whole as a bar, with the exact numbers below it. */
function Split({ parts }: { parts: readonly Part[] }) {
  const all = parts.reduce((sum, { value }) => sum + value, 0)
  return (
    <>
      <div class="split" aria-hidden="true">
        {parts
          .filter(({ value }) => value > 0)
          .map(({ look, label, value }) => (
            <span key={label} class={`split-part split-${look}`} style={{ flexGrow: value }} />
          ))}
      </div>
      <ul class="split-list">
        {parts.map(({ look, label, value }) => (
          <li key={label}>
            <span class={`split-key split-${look}`} aria-hidden="true" />
            <strong>{shown(value)}</strong>
            <span>{label}</span>
            <span class="muted">{all === 0 ? '' : percent(value / all)}</span>
          </li>
        ))}
      </ul>
    </>
  )
}

function Meter({ value, most }: { value: number; most: number }) {
  return (
    <p class="meter">
      <span class="meter-bar" aria-hidden="true">
        <span style={{ width: `${most === 0 ? 0 : Math.min(100, (value / most) * 100)}%` }} />
      </span>
      {`${bytes(value)} of ${bytes(most)}`}
    </p>
  )
}

/** Adds values to a namespace, like `cache.warmCache` in code. */
function WarmForm({ done }: { done: () => void }) {
  const [namespace, setNamespace] = useState('')
  const [text, setText] = useState('')
  const [wrong, setWrong] = useState('')
  const warm = async () => {
    let data: Readonly<Record<string, unknown>>
    try {
      data = JSON.parse(text)
    } catch (error) {
      setWrong(`Invalid JSON: ${(error as Error).message}`)
      return
    }
    setWrong('')
    const answer = await act(
      'warm-cache',
      { namespace, data },
      { done: ({ count, of }) => `${namespace}: ${count} of ${plural(of, 'value')} cached.` },
    )
    if (answer === undefined) return
    setText('')
    done()
  }
  return (
    <form
      class="stack-form"
      aria-label="Warm cache"
      onSubmit={(event) => {
        event.preventDefault()
        warm()
      }}
    >
      <label>
        <span>Namespace</span>
        <input
          class="field"
          required
          spellcheck={false}
          value={namespace}
          onInput={(event) => setNamespace(event.currentTarget.value)}
        />
      </label>
      <label>
        <span>Values by key, as JSON</span>
        <textarea
          class="field code-field"
          required
          rows={4}
          spellcheck={false}
          placeholder={'{"greeting": "hello"}'}
          aria-invalid={wrong !== ''}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      {wrong !== '' && (
        <p class="trouble bad" role="alert">
          <Icon name="alert" />
          <span>{wrong}</span>
        </p>
      )}
      <button type="submit" class="button button-main">
        Add values
      </button>
    </form>
  )
}
