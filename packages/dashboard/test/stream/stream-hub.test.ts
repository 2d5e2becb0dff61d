import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Section } from '../../src/protocol/now.ts'
import type { Delta, Rights, Snapshot } from '../../src/protocol/stream.ts'
import type { LiveSource } from '../../src/stream/delta-maker.ts'
import { StreamHub } from '../../src/stream/stream-hub.ts'

const RIGHTS: Rights = { act: true, reason: null, parameters: false }

/** A response that takes as much as it is told to. */
class FakeResponse extends EventEmitter {
  readonly written: string[] = []
  statusCode = 0
  takes = true
  isDestroyed = false

  setHeader(): void {}
  flushHeaders(): void {}

  write(text: string): boolean {
    this.written.push(text)
    return this.takes
  }

  end(): void {
    this.emit('close')
  }

  destroy(): void {
    this.isDestroyed = true
    this.emit('close')
  }

  get events(): { readonly event: string; readonly data: Delta & Snapshot }[] {
    return this.written.flatMap((text) => {
      const [, event, data] = /^event: (\w+)\nid: \S+\ndata: (.*)\n\n$/s.exec(text) ?? []
      return event === undefined ? [] : [{ event, data: JSON.parse(data ?? '') }]
    })
  }
}

function open() {
  const counts = { ended: 0, asked: 0, watching: 0 }
  let stale: (section: Section) => void = () => {}
  const figures = { errors: 0 }
  const source = {
    snapshot: () => ({ at: 0, schemaVersion: 1 }) as unknown as Snapshot,
    mode: () => 'observe' as const,
    processes: () => [],
    ranked: () => [],
    points: () => ({}),
    vitals: () => {
      counts.asked += 1
      return {} as Snapshot['vitals']
    },
    totals: () => ({ ...figures }) as unknown as Snapshot['totals'],
    badges: () => ({}) as Snapshot['badges'],
    ring: () => ({}) as Snapshot['ring'],
    routes: () => [],
    goneRoutes: () => [],
    requestsSince: (sequence: number, limit: number) => ({
      requests: Array.from({ length: Math.min(limit, counts.ended - sequence) }, (_, at) => ({
        id: `r${counts.ended - at}`,
        findings: [],
      })) as never,
      count: counts.ended - sequence,
      last: counts.ended,
    }),
    watch: (listener: (section: Section) => void) => {
      counts.watching += 1
      stale = listener
      return () => {
        counts.watching -= 1
      }
    },
  } satisfies LiveSource
  const hub = new StreamHub({ source, process: 'p', maxStreams: 9, now: () => Date.now(), onError: (error) => { throw error } }) // biome-ignore format: short
  const join = (lastEventId?: string) => {
    const response = new FakeResponse()
    const request = { headers: { 'last-event-id': lastEventId }, socket: { setTimeout() {}, setNoDelay() {} } }
    hub.open(request as never, response as never, RIGHTS)
    return response
  }
  return { hub, join, counts, figures, stale: (section: Section) => stale(section) }
}

describe('a hub', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('tells four times a second at most, however much happens', () => {
    const { join, counts } = open()
    const response = join()
    for (let ms = 0; ms < 10_000; ms += 10) {
      counts.ended += 7
      vi.advanceTimersByTime(10)
    }
    expect(response.events.filter(({ event }) => event === 'delta')).toHaveLength(40)
  })

  it('tells nothing while nothing changes, but for a comment every 15 seconds', () => {
    const { join } = open()
    const response = join()
    // What was said to be stale when the stream began.
    vi.advanceTimersByTime(1_000)
    const before = response.written.length
    vi.advanceTimersByTime(60_000)
    expect(response.written.slice(before)).toEqual([':\n\n', ':\n\n', ':\n\n', ':\n\n'])
  })

  it('tells of 50 new requests at most, and how many more there were', () => {
    const { join, counts } = open()
    const response = join()
    counts.ended = 180
    vi.advanceTimersByTime(250)
    const { requests, skipped } = response.events.at(-1)?.data ?? {}
    expect([requests?.length, skipped]).toEqual([50, 130])
  })

  it('tells of a figure when it changes, and of no other one', () => {
    const { join, figures } = open()
    const response = join()
    vi.advanceTimersByTime(2_000)
    figures.errors = 1
    vi.advanceTimersByTime(1_000)
    const told = response.events.filter(({ data }) => 'totals' in data)
    expect(told).toHaveLength(1)
    expect(told[0]?.data).toMatchObject({ totals: { errors: 1 } })
    expect(Object.keys(told[0]?.data ?? {}).filter((name) => name !== 'stale')).toEqual(['at', 'totals'])
  })

  it('says that a page is stale every two seconds at most', () => {
    const { join, stale } = open()
    const response = join()
    vi.advanceTimersByTime(3_000)
    const before = response.events.length
    for (let ms = 0; ms < 8_000; ms += 50) {
      stale('jobs')
      vi.advanceTimersByTime(50)
    }
    expect(response.events.slice(before).map(({ data }) => data.stale)).toEqual([['jobs'], ['jobs'], ['jobs'], ['jobs']])
  })

  it('keeps nothing for a reader who takes nothing, and tells them all when they do', () => {
    const { join, counts } = open()
    const [slow, quick] = [join(), join()]
    slow.takes = false
    counts.ended += 1
    vi.advanceTimersByTime(250)
    const before = slow.written.length
    for (let at = 0; at < 20; at += 1) {
      counts.ended += 1
      vi.advanceTimersByTime(250)
    }
    expect(slow.written).toHaveLength(before)
    expect(quick.events.filter(({ event }) => event === 'delta').length).toBeGreaterThan(20)
    slow.takes = true
    slow.emit('drain')
    expect(slow.events.at(-1)?.event).toBe('snapshot')
    counts.ended += 1
    vi.advanceTimersByTime(250)
    expect(slow.events.at(-1)?.data.requests).toHaveLength(1)
  })

  it('lets go of a reader who takes nothing for a minute', () => {
    const { hub, join, counts } = open()
    const slow = join()
    slow.takes = false
    counts.ended += 1
    vi.advanceTimersByTime(80_000)
    expect([slow.isDestroyed, hub.size]).toEqual([true, 0])
  })

  it('does nothing while nobody listens: no timer runs, and nobody is listened to', () => {
    const { hub, join, counts } = open()
    expect(vi.getTimerCount()).toBe(0)
    const [first, second] = [join(), join()]
    expect([vi.getTimerCount(), counts.watching]).toEqual([2, 1])
    first.destroy()
    expect([vi.getTimerCount(), counts.watching, hub.size]).toEqual([2, 1, 1])
    second.destroy()
    expect([vi.getTimerCount(), counts.watching, hub.size]).toEqual([0, 0, 0])
    const { asked } = counts
    vi.advanceTimersByTime(60_000)
    expect(counts.asked).toBe(asked)
  })

  it('gives a listener who comes back after long a snapshot', () => {
    const { join } = open()
    const first = join()
    const id = /id: (\S+)/.exec(first.written[0] ?? '')?.[1]
    first.destroy()
    vi.advanceTimersByTime(29_000)
    const soon = join(id)
    expect(soon.events).toEqual([])
    soon.destroy()
    vi.advanceTimersByTime(31_000)
    expect(join(id).events[0]?.event).toBe('snapshot')
  })

  it('goes on from what the page carried, tells it of all that happened meanwhile, and of nothing twice', () => {
    const { hub, join, counts } = open()
    counts.ended = 5
    const { id, snapshot } = hub.firstView(RIGHTS)
    expect(snapshot.rights).toEqual(RIGHTS)
    counts.ended = 8
    vi.advanceTimersByTime(2_000)
    const response = join(id)
    expect(response.events).toEqual([])
    vi.advanceTimersByTime(1_000)
    expect(response.events.map(({ event }) => event)).not.toContain('snapshot')
    expect(response.events.flatMap(({ data }) => (data.requests ?? []).map((request) => request.id))).toEqual(['r8', 'r7', 'r6'])
  })

  it('tells who listens already what a page carries, and that page what it tells them after', () => {
    const { hub, join, counts } = open()
    const first = join()
    counts.ended = 2
    const { id } = hub.firstView(RIGHTS)
    expect(first.events.at(-1)?.data.requests).toHaveLength(2)
    counts.ended = 3
    vi.advanceTimersByTime(250)
    const second = join(id)
    expect(second.events.map(({ data }) => data.requests?.length)).toEqual([1])
    vi.advanceTimersByTime(2_000)
    expect(second.events.flatMap(({ data }) => data.requests ?? [])).toHaveLength(1)
  })

  it('needs no timer for a page that opens no stream, and forgets it after half a minute', () => {
    const { hub, join } = open()
    const { id } = hub.firstView(RIGHTS)
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(29_000)
    hub.firstView(RIGHTS)
    vi.advanceTimersByTime(29_000)
    const soon = join(id)
    expect(soon.events).toEqual([])
    soon.destroy()
    vi.advanceTimersByTime(31_000)
    expect(join(id).events[0]?.event).toBe('snapshot')
  })
})
