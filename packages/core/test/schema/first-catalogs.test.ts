import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FirstCatalogs } from '../../src/schema/first-catalogs.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function world() {
  const catalogs = new FirstCatalogs()
  let settled = 0
  catalogs.settled = () => {
    settled += 1
  }
  return { catalogs, settled: () => settled }
}

describe('FirstCatalogs', () => {
  it('is awaited until each expected catalog was read', () => {
    const { catalogs, settled } = world()
    expect(catalogs.isAwaited).toBe(false)
    catalogs.expect('knex1')
    catalogs.expect('knex2')
    catalogs.end('knex1')
    expect([catalogs.isAwaited, settled()]).toEqual([true, 0])
    catalogs.end('knex2')
    expect([catalogs.isAwaited, settled()]).toEqual([false, 1])
  })

  it('ends for a source once, and for an unknown source never', () => {
    const { catalogs, settled } = world()
    catalogs.expect('knex1')
    catalogs.expect('knex1')
    catalogs.expect('knex2')
    catalogs.end('knex3')
    catalogs.end('knex1')
    catalogs.end('knex1')
    expect([catalogs.isAwaited, settled()]).toEqual([true, 0])
  })

  it('limits the time from the first read that waits, not from later ones', () => {
    const { catalogs, settled } = world()
    catalogs.expect('knex1')
    vi.advanceTimersByTime(1_000)
    catalogs.wait()
    vi.advanceTimersByTime(40)
    catalogs.wait()
    vi.advanceTimersByTime(9)
    expect(settled()).toBe(0)
    vi.advanceTimersByTime(1)
    expect([catalogs.isAwaited, settled()]).toEqual([false, 1])
    // No read waits for this catalog again.
    catalogs.expect('knex1')
    expect(catalogs.isAwaited).toBe(false)
    catalogs.end('knex1')
    expect(settled()).toBe(1)
  })

  it('limits the time for a catalog that is expected while reads wait', () => {
    const { catalogs, settled } = world()
    catalogs.expect('knex1')
    catalogs.wait()
    vi.advanceTimersByTime(40)
    catalogs.expect('knex2')
    catalogs.end('knex1')
    expect([catalogs.isAwaited, settled()]).toEqual([true, 0])
    vi.advanceTimersByTime(50)
    expect([catalogs.isAwaited, settled()]).toEqual([false, 1])
  })

  it('lets no read wait for one catalog after another', () => {
    const { catalogs, settled } = world()
    catalogs.expect('knex1')
    catalogs.wait()
    vi.advanceTimersByTime(40)
    catalogs.expect('knex2')
    vi.advanceTimersByTime(10)
    expect([catalogs.isAwaited, settled()]).toEqual([true, 1])
    catalogs.clear()
  })

  it('leaves no timer behind', () => {
    const { catalogs, settled } = world()
    catalogs.expect('knex1')
    catalogs.expect('knex2')
    catalogs.wait()
    catalogs.end('knex1')
    expect(vi.getTimerCount()).toBe(1)
    catalogs.clear()
    expect([vi.getTimerCount(), catalogs.isAwaited, settled()]).toEqual([0, false, 1])
  })
})
