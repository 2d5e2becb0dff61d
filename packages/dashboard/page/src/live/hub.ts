import type { Delta, FirstView, Snapshot } from '../../../src/protocol/index.ts'
import type { LinkStatus } from './link.ts'
import { applyDelta, type LiveState, stateOf } from './live-state.ts'

/** From a tab to the worker that owns the stream. */
export type TabMessage = 'visible' | 'hidden' | 'retry' | 'gone' | FirstView

/** From the worker to a tab. */
export type WorkerMessage =
  | { readonly kind: 'status'; readonly status: LinkStatus }
  | { readonly kind: 'state'; readonly state: LiveState }
  | { readonly kind: 'delta'; readonly delta: Delta }

export interface Tab {
  post(message: WorkerMessage): void
}

interface HubLink {
  /** Resumes after this event when it opens the next time. */
  goOnFrom(id: string): void
  start(): void
  stop(): void
}

/**
 * Shares one stream between tabs. The stream is open while at least one tab is visible. A tab that becomes
 * visible gets the current state, then deltas.
 */
export class Hub {
  readonly #visible = new Set<Tab>()
  #state: LiveState | undefined
  /** The tab that passed its first view to the worker, and therefore has the state. */
  #bringer: Tab | undefined
  #status: LinkStatus = { kind: 'connecting' }
  #link: HubLink | undefined

  /** Attaches the link, which calls the hub's `status`, `snapshot` and `delta`. */
  attach(link: HubLink): void {
    this.#link = link
  }

  readonly status = (status: LinkStatus): void => {
    this.#status = status
    this.#post({ kind: 'status', status })
  }

  readonly snapshot = (snapshot: Snapshot): void => {
    this.#state = stateOf(snapshot)
    this.#post({ kind: 'state', state: this.#state })
  }

  readonly delta = (delta: Delta): void => {
    // A delta without a state: a snapshot follows, or the delta cannot be used.
    if (this.#state === undefined) return
    this.#state = applyDelta(this.#state, delta)
    this.#post({ kind: 'delta', delta })
  }

  receive(tab: Tab, message: TabMessage): void {
    if (message === 'visible') {
      this.#visible.add(tab)
      if (this.#state !== undefined && this.#bringer !== tab) tab.post({ kind: 'state', state: this.#state })
      this.#bringer = undefined
      tab.post({ kind: 'status', status: this.#status })
      this.#link?.start()
    } else if (message === 'retry') this.#link?.start()
    else if (typeof message === 'object') this.#take(tab, message)
    else {
      const wasVisible = this.#visible.delete(tab)
      if (wasVisible && this.#visible.size === 0) this.#link?.stop()
    }
  }

  /** Ignored while other tabs are visible: they already receive deltas. */
  #take(tab: Tab, { id, snapshot }: FirstView): void {
    if (this.#visible.size > 0) return
    this.#state = stateOf(snapshot)
    this.#bringer = tab
    this.#link?.goOnFrom(id)
  }

  #post(message: WorkerMessage): void {
    for (const tab of this.#visible) tab.post(message)
  }
}
