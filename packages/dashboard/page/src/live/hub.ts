import type { Delta, FirstView, Snapshot } from '../../../src/protocol/index.ts'
import type { LinkStatus } from './link.ts'
import { applyDelta, type LiveState, stateOf } from './live-state.ts'

/** From a tab to the worker that holds the stream of all tabs. */
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
  /** Goes on from an event of the app's, when it is opened next. */
  goOnFrom(id: string): void
  start(): void
  stop(): void
}

/**
 * Shares one stream between tabs: it is open while one of them is looked at. A tab that comes to be looked at gets the state as it is, and
 * deltas from then on.
 */
export class Hub {
  readonly #visible = new Set<Tab>()
  #state: LiveState | undefined
  /** It has the state, for it brought it. */
  #bringer: Tab | undefined
  #status: LinkStatus = { kind: 'connecting' }
  #link: HubLink | undefined

  /** The link is given the hub's own `status`, `snapshot` and `delta` to call. */
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
    // A stream that begins with what changed was not resumed by us: a snapshot follows it, or nothing that could be used.
    if (this.#state === undefined) return
    this.#state = applyDelta(this.#state, delta)
    this.#post({ kind: 'delta', delta })
  }

  hear(tab: Tab, message: TabMessage): void {
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

  /** Of no use while others look: they are told what happens already. */
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
