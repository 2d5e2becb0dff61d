import { describe, expect, it } from 'vitest'
import { Hub, type WorkerMessage } from '../../../page/src/live/hub.ts'
import type { Snapshot } from '../../../src/protocol/index.ts'

const snapshot = { at: 1, ranked: [], routes: [], requests: [], sparklines: [] } as unknown as Snapshot

function made() {
  const calls: string[] = []
  const hub = new Hub()
  hub.attach({
    goOnFrom: (id) => calls.push(`from ${id}`),
    start: () => calls.push('start'),
    stop: () => calls.push('stop'),
  })
  const tab = () => {
    const heard: WorkerMessage[] = []
    return { heard, post: (message: WorkerMessage) => void heard.push(message) }
  }
  return { hub, calls, tab }
}

describe('Hub', () => {
  it('stops the stream when the last visible tab is hidden', () => {
    const { hub, calls, tab } = made()
    const [first, second] = [tab(), tab()]
    hub.receive(first, 'visible')
    hub.receive(second, 'visible')
    hub.receive(first, 'hidden')
    expect(calls).not.toContain('stop')
    hub.receive(second, 'gone')
    hub.receive(second, 'gone')
    expect(calls.filter((call) => call === 'stop')).toHaveLength(1)
  })

  it('sends the current state to a new tab', () => {
    const { hub, tab } = made()
    hub.receive(tab(), 'visible')
    hub.snapshot(snapshot)
    hub.delta({ at: 9, mode: 'optimize' })
    const late = tab()
    hub.receive(late, 'visible')
    expect(late.heard[0]).toMatchObject({ kind: 'state', state: { at: 9, mode: 'optimize' } })
  })

  it('sends nothing to hidden tabs', () => {
    const { hub, tab } = made()
    const [seen, hidden] = [tab(), tab()]
    hub.receive(seen, 'visible')
    hub.receive(hidden, 'visible')
    hub.receive(hidden, 'hidden')
    const before = hidden.heard.length
    hub.snapshot(snapshot)
    hub.delta({ at: 2 })
    expect(hidden.heard).toHaveLength(before)
    expect(seen.heard.at(-1)).toEqual({ kind: 'delta', delta: { at: 2 } })
  })

  it('continues from the first view of a tab, which does not receive it again, and sends it to others', () => {
    const { hub, calls, tab } = made()
    const [first, second] = [tab(), tab()]
    hub.receive(first, { id: 'p.7', snapshot })
    hub.receive(first, 'visible')
    expect(calls).toEqual(['from p.7', 'start'])
    expect(first.heard.map(({ kind }) => kind)).toEqual(['status'])
    hub.delta({ at: 2 })
    expect(first.heard.at(-1)).toEqual({ kind: 'delta', delta: { at: 2 } })
    hub.receive(second, 'visible')
    expect(second.heard[0]).toMatchObject({ kind: 'state', state: { at: 2 } })
    hub.receive(first, 'hidden')
    hub.receive(first, 'visible')
    expect(first.heard.at(-2)).toMatchObject({ kind: 'state', state: { at: 2 } })
  })

  it('ignores the first view of a tab while other tabs are visible', () => {
    const { hub, calls, tab } = made()
    const [first, second] = [tab(), tab()]
    hub.receive(first, 'visible')
    hub.snapshot({ ...snapshot, at: 5 })
    hub.receive(second, { id: 'p.7', snapshot })
    hub.receive(second, 'visible')
    expect(calls).not.toContain('from p.7')
    expect(second.heard[0]).toMatchObject({ kind: 'state', state: { at: 5 } })
  })

  it('sends missed changes to a tab that passed a first view while no tab was visible', () => {
    const { hub, tab } = made()
    const [first, second] = [tab(), tab()]
    hub.receive(first, { id: 'p.7', snapshot })
    hub.receive(second, 'visible')
    hub.delta({ at: 3 })
    hub.receive(first, 'visible')
    expect(first.heard[0]).toMatchObject({ kind: 'state', state: { at: 3 } })
  })
})
