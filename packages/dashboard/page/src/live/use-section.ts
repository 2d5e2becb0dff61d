import { useEffect, useRef, useState } from 'preact/hooks'
import type { Section } from '../../../src/protocol/index.ts'
import { isPaused, staleness } from './live.ts'
import { RequestError, requestJson } from './request-json.ts'
import { SectionLoader } from './section-loader.ts'

export interface SectionState<T> {
  /** `undefined` until the first response. A refetch keeps the previous data. */
  readonly data: T | undefined
  readonly error: RequestError | undefined
  readonly again: () => void
}

/**
 * Fetches data from a path of the API when a page opens, and again when the stream reports that it may have
 * changed. Sends no automatic requests while the page is paused or hidden.
 */
export function useSection<T>(section: Section, path: string): SectionState<T> {
  const [answer, setAnswer] = useState<{ data: T | undefined; error: RequestError | undefined }>()
  const asker = useRef<SectionLoader<T> | undefined>(undefined)
  const stale = staleness[section].value
  const paused = isPaused.value
  const first = useRef(true)

  useEffect(() => {
    first.current = true
    const own = new SectionLoader<T>({
      load: (signal) => requestJson<T>(path, { signal }),
      onAnswer: (data) => setAnswer({ data, error: undefined }),
      onError: (error) =>
        setAnswer((before) => ({
          data: before?.data,
          error: error instanceof RequestError ? error : new RequestError(0, 'UNKNOWN', error.message),
        })),
    })
    asker.current = own
    own.wish(true)
    return () => own.end()
  }, [path])

  useEffect(() => {
    if (first.current) first.current = false
    else if (!paused) asker.current?.wish()
  }, [stale, paused])

  return { data: answer?.data, error: answer?.error, again: () => asker.current?.wish(true) }
}
