import { EXIT } from '../command.ts'
import type { DashboardClient } from '../dashboard/dashboard-client.ts'
import type { FollowEvent } from '../dashboard/follow-dashboard.ts'
import { type LiveFinding, readFindings } from '../dashboard/protocol.ts'
import type { Paint } from '../report/cells.ts'
import { frame } from './frame.ts'
import { LiveModel, type LiveView } from './live-model.ts'
import { Screen, type Terminal } from './terminal.ts'
import type { Key, TopState } from './top-state.ts'

export interface TopScreenOptions {
  readonly client: Pick<DashboardClient, 'address' | 'json'>
  /** The first event is a snapshot. */
  readonly events: AsyncIterable<FollowEvent>
  readonly terminal: Terminal
  readonly state: TopState
  readonly paint: Paint
  readonly slowMs: number
  /** Ends `events`. */
  readonly stop: () => void
}

const TICK_MS = 1_000
const FINDINGS_MS = 2_000

/**
 * Shows a running app in full-screen mode until the user quits.
 *
 * @returns The exit code.
 * @throws Errors of `events`, after restoring the terminal.
 */
export async function topScreen(options: TopScreenOptions): Promise<number> {
  const view = new TopView(options)
  try {
    return await view.run()
  } finally {
    view.close()
  }
}

class TopView {
  readonly #options: TopScreenOptions
  readonly #screen: Screen
  readonly #stops: (() => void)[] = []
  #model: LiveModel | undefined
  /** The view while paused. */
  #frozen: LiveView | undefined
  #lost: { readonly why: string; readonly until: number } | undefined
  #findings: readonly LiveFinding[] | undefined
  #findingsAt = Number.NEGATIVE_INFINITY
  #areFindingsStale = true
  #isLoading = false
  #code: number = EXIT.ok
  /** Suspended. Nothing is drawn until `suspend` resolves, which can be after the next timer. */
  #isAway = false
  #isClosed = false

  constructor(options: TopScreenOptions) {
    this.#options = options
    this.#screen = new Screen(options.terminal)
  }

  async run(): Promise<number> {
    const { events, terminal } = this.#options
    for await (const event of events) {
      if (this.#take(event)) this.#draw()
      if (this.#stops.length > 0) continue
      // Not earlier, so that an immediate error is printed on the normal screen.
      terminal.enter()
      const timer = setInterval(() => this.#draw(), TICK_MS)
      this.#stops.push(
        () => clearInterval(timer),
        terminal.onKey((key) => this.#press(key)),
        terminal.onResize(() => this.#redraw()),
      )
      this.#redraw()
    }
    return this.#code
  }

  close(): void {
    this.#isClosed = true
    for (const stop of this.#stops) stop()
    this.#options.terminal.leave()
  }

  /** @returns Whether to redraw. */
  #take(event: FollowEvent): boolean {
    if (event.kind === 'snapshot') {
      if (this.#model === undefined) this.#model = new LiveModel(event.snapshot)
      else this.#model.replace(event.snapshot)
      this.#areFindingsStale = true
    } else if (event.kind === 'delta') {
      this.#model?.apply(event.delta)
      this.#areFindingsStale ||= event.delta.stale.includes('findings')
    } else if (event.kind === 'lost') this.#lost = { why: event.why, until: Date.now() + event.waitMs }
    else this.#lost = undefined
    return this.#stops.length > 0
  }

  #press(key: Key): void {
    const { state, terminal, stop } = this.#options
    const wasPaused = state.isPaused
    const effect = state.press(key)
    if (effect === 'quit' || effect === 'interrupt') {
      this.#code = effect === 'quit' ? EXIT.ok : EXIT.interrupted
      stop()
      return
    }
    if (effect === 'suspend') {
      this.#isAway = true
      void terminal.suspend().then(() => {
        this.#isAway = false
        this.#redraw()
      })
      return
    }
    if (state.isPaused !== wasPaused) this.#frozen = state.isPaused ? this.#model?.view() : undefined
    if (key.ctrl === true && key.name === 'l') this.#redraw()
    else if (effect === 'redraw') this.#draw()
  }

  #redraw(): void {
    if (this.#isAway) return
    this.#screen.forget()
    this.#draw()
  }

  #draw(): void {
    const view = this.#frozen ?? this.#model?.view()
    if (view === undefined || this.#isAway || this.#isClosed) return
    const { state, terminal, paint, slowMs, client } = this.#options
    if (state.isOpen) this.#loadFindings()
    const { columns, rows } = terminal
    const failure = this.#problem()
    this.#screen.draw(
      frame(view, state, {
        paint,
        columns,
        rows,
        slowMs,
        address: client.address,
        problem: failure,
        findings: this.#findings,
      }),
    )
  }

  #problem(): string | undefined {
    if (this.#lost === undefined) return undefined
    const seconds = Math.ceil((this.#lost.until - Date.now()) / 1_000)
    return `The app does not respond (${this.#lost.why}): ${seconds > 0 ? `retrying in ${seconds} s` : 'retrying'}`
  }

  #loadFindings(): void {
    const now = performance.now()
    if (
      this.#isLoading ||
      !this.#areFindingsStale ||
      this.#lost !== undefined ||
      now - this.#findingsAt < FINDINGS_MS
    )
      return
    this.#isLoading = true
    this.#areFindingsStale = false
    this.#findingsAt = now
    this.#options.client
      .json('api/findings')
      .then(
        (json) => {
          this.#findings = readFindings(json)
        },
        () => {
          // The stream reports connection problems. Retry later.
          this.#areFindingsStale = true
        },
      )
      .finally(() => {
        this.#isLoading = false
        this.#draw()
      })
  }
}
