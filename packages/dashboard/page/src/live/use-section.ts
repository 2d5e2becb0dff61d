import { useEffect, useRef, useState } from 'preact/hooks'
import type { Section } from '../../../src/protocol/index.ts'
import { AskError, ask } from './ask.ts'
import { Asker } from './asker.ts'
import { isPaused, staleness } from './live.ts'

export interface Asked<T> {
  /** `undefined`: not there yet. What was there stays while it is asked again. */
  readonly data: T | undefined
  readonly error: AskError | undefined
  readonly again: () => void
}

/**
 * What is at an address of the API: asked when a page is shown, and again when the stream says that there may be something new. Nothing is
 * asked by itself while it is paused or nobody looks.
 */
export function useSection<T>(section: Section, path: string): Asked<T> {
  const [answer, setAnswer] = useState<{ data: T | undefined; error: AskError | undefined }>()
  const asker = useRef<Asker<T> | undefined>(undefined)
  const stale = staleness[section].value
  const paused = isPaused.value
  const first = useRef(true)

  useEffect(() => {
    first.current = true
    const own = new Asker<T>({
      ask: (signal) => ask<T>(path, { signal }),
      onAnswer: (data) => setAnswer({ data, error: undefined }),
      onError: (error) =>
        setAnswer((before) => ({
          data: before?.data,
          error: error instanceof AskError ? error : new AskError(0, 'UNKNOWN', error.message),
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
