import type { Delta, FirstView } from '../../../src/protocol/index.ts'
import type { LinkStatus } from './link.ts'
import type { LiveState } from './live-state.ts'

/** From a tab to the worker that holds the stream of all tabs. */
export type TabMessage = 'visible' | 'hidden' | 'retry' | 'gone' | FirstView

/** From the worker to a tab. */
export type WorkerMessage =
  | { readonly kind: 'status'; readonly status: LinkStatus }
  | { readonly kind: 'state'; readonly state: LiveState }
  | { readonly kind: 'delta'; readonly delta: Delta }
