import type { IncomingMessage, ServerResponse } from 'node:http'
import type { DerivedValues, Scope } from '@sluice/core'

/** What a framework knows of a request that `node:http` does not. */
export interface RequestFacts {
  /**
   * The path and query that the client asked for.
   * @defaultValue `request.url`
   */
  readonly url?: string | undefined
  /** Called before a response is sent that was kept. */
  readonly beforeSend?: () => void
}

/** One request at the cache. */
export interface Asked {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly facts: RequestFacts
  readonly scope: Scope
  readonly derived: DerivedValues
  readonly context: string
  /** What is asked for, but for the headers that the response turns out to vary by. */
  readonly base: string
  /** The whole of it, as far as that is known. */
  readonly key: string
  readonly control: ReadonlyMap<string, string>
}
