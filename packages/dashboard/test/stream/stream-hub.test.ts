import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Section } from '../../src/protocol/now.ts'
import type { Delta, Rights, Snapshot } from '../../src/protocol/stream.ts'
import type { LiveSource } from '../../src/stream/delta-maker.ts'
import { StreamHub } from '../../src/stream/stream-hub.ts'

const RIGHTS: Rights = { act: true, reason: null, parameters: false }

/** A response with a limited buffer. */
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
    snapshot: () => ({ at: 0, schemaVersion: 3 }) as unknown as Snapshot,
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
    const request = {
      headers: { 'last-event-id': lastEventId },
      socket: { setTimeout() {}, setNoDelay() {} },
    }
    hub.open(request as never, response as never, RIGHTS)
    return response
  }
  return { hub, join, counts, figures, stale: (section: Section) => stale(section) }
}

describe('StreamHub', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('sends at most 4 updates per second', () => {
    const { join, counts } = open()
    const response = join()
    for (let ms = 0; ms < 10_000; ms += 10) {
      counts.ended += 7
      vi.advanceTimersByTime(10)
    }
    expect(response.events.filter(({ event }) => event === 'delta')).toHaveLength(40)
  })

  it('sends only a comment every 15 seconds while nothing changes', () => {
    const { join } = open()
    const response = join()
    // Sections that were stale when the stream started.
    vi.advanceTimersByTime(1_000)
    const before = response.written.length
    vi.advanceTimersByTime(60_000)
    expect(response.written.slice(before)).toEqual([':\n\n', ':\n\n', ':\n\n', ':\n\n'])
  })

  it('sends at most 50 new requests, and the number of others', () => {
    const { join, counts } = open()
    const response = join()
    counts.ended = 180
    vi.advanceTimersByTime(250)
    const { requests, skipped } = response.events.at(-1)?.data ?? {}
    expect([requests?.length, skipped]).toEqual([50, 130])
  })

  it('sends only changed figures', () => {
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

  it('reports a stale page at most every 2 seconds', () => {
    const { join, stale } = open()
    const response = join()
    vi.advanceTimersByTime(3_000)
    const before = response.events.length
    for (let ms = 0; ms < 8_000; ms += 50) {
      stale('jobs')
      vi.advanceTimersByTime(50)
    }
    expect(response.events.slice(before).map(({ data }) => data.stale)).toEqual([
      ['jobs'],
      ['jobs'],
      ['jobs'],
      ['jobs'],
    ])
  })

  it('skips deltas for a slow reader and sends a snapshot later', () => {
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

  it('disconnects a reader without progress for one minute', () => {
    const { hub, join, counts } = open()
    const slow = join()
    slow.takes = false
    counts.ended += 1
    vi.advanceTimersByTime(80_000)
    expect([slow.isDestroyed, hub.size]).toEqual([true, 0])
  })

  it('has no timers and listeners without a reader', () => {
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

  it('sends a snapshot to a reader that returns late', () => {
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

  it('continues from the first view of a document, without loss or duplicates', () => {
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
    expect(response.events.flatMap(({ data }) => (data.requests ?? []).map((request) => request.id))).toEqual(
      ['r8', 'r7', 'r6'],
    )
  })

  it('sends pending changes to current readers before it creates a first view', () => {
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

  it('needs no timer for a first view without a stream, and forgets it after 30 seconds', () => {
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
