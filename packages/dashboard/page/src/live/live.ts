import { computed, effect, signal } from '@preact/signals'
import {
  type Badges,
  type FirstView,
  firstViewId,
  type Rights,
  type Section,
} from '../../../src/protocol/index.ts'
import { announce, showToast } from '../parts/messages.tsx'
import { connect } from './connect.ts'
import { applyDelta, type LiveState, stateOf, type TabMessage, type WorkerMessage } from './hub.ts'
import type { LinkStatus } from './link.ts'

/** The displayed state; `undefined` until the first snapshot. */
export const live = signal<LiveState | undefined>(undefined)
export const status = signal<LinkStatus>({ kind: 'connecting' })
export const isPaused = signal(false)
/** Requests that finished while the page is paused. */
export const missed = signal(0)
/** Increases when a section may have new data. */
export const staleness: Readonly<Record<Section, ReturnType<typeof signal<number>>>> = {
  now: signal(0),
  requests: signal(0),
  findings: signal(0),
  queries: signal(0),
  cache: signal(0),
  nodes: signal(0),
  jobs: signal(0),
  metrics: signal(0),
  alerts: signal(0),
}

const noRights: Rights = { act: false, reason: null, parameters: false }
export const rights = computed<Rights>(() => live.value?.rights ?? noRights)
export const badges = computed<Badges | undefined>(() => live.value?.badges)

/** The server time, updated once per second while the page is visible. */
export const now = signal(Date.now())

let latest: LiveState | undefined
let offsetMs = 0
let send: (message: TabMessage) => void = () => undefined

export function start(): void {
  send = connect(listen)
  const first = takeFirstView()
  if (first !== undefined) {
    latest = stateOf(first.snapshot)
    offsetMs = latest.at - Date.now()
    send(first)
  }
  const report = () => send(document.hidden ? 'hidden' : 'visible')
  document.addEventListener('visibilitychange', report)
  addEventListener('pagehide', () => send('gone'))
  addEventListener('pageshow', (event) => {
    if (event.persisted) report()
  })
  report()
  setInterval(() => {
    if (!document.hidden && !isPaused.value) now.value = Date.now() + offsetMs
  }, 1_000)
  effect(() => {
    if (!isPaused.value) show()
  })
}

export function retryNow(): void {
  send('retry')
}

export function togglePause(): void {
  isPaused.value = !isPaused.value
  announce(isPaused.value ? 'Paused' : 'Resumed')
}

function listen(message: WorkerMessage): void {
  if (message.kind === 'status') status.value = message.status
  else if (message.kind === 'state') {
    reportRestart(latest, message.state)
    latest = message.state
    offsetMs = latest.at - Date.now()
    for (const one of Object.values(staleness)) one.value = (one.peek() ?? 0) + 1
    if (!isPaused.value) show()
  } else if (latest !== undefined) {
    const { delta } = message
    latest = applyDelta(latest, delta)
    offsetMs = delta.at - Date.now()
    for (const section of delta.stale ?? []) {
      const one = staleness[section]
      if (one !== undefined) one.value = (one.peek() ?? 0) + 1
    }
    if (isPaused.value) missed.value += (delta.requests?.length ?? 0) + (delta.skipped ?? 0)
    else showSoon()
  }
}

let isDue = false

/** Draws the newest state with the next frame. */
function showSoon(): void {
  if (isDue) return
  isDue = true
  requestAnimationFrame(() => {
    isDue = false
    if (!isPaused.value) show()
  })
}

function show(): void {
  if (latest === undefined) return
  live.value = latest
  missed.value = 0
  now.value = Date.now() + offsetMs
}

function reportRestart(before: LiveState | undefined, after: LiveState): void {
  if (before === undefined || before.process.id === after.process.id) return
  // Every process shows the data of all, so a different process is not a restart.
  if (after.processes.some(({ id }) => id === before.process.id)) return
  showToast({ text: `${after.process.name} restarted: now connected to process ${after.process.pid}.` })
}

/** Takes the state from the document once and removes it, so that it is not in memory twice. */
function takeFirstView(): FirstView | undefined {
  const element = document.getElementById(firstViewId)
  if (element === null) return undefined
  element.remove()
  return JSON.parse(element.textContent ?? '') as FirstView
}
