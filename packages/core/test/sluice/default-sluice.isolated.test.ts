import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

type Core = typeof import('../../src/index.ts')

const DEFAULTS = Symbol.for('sluice.defaults')
const shared = globalThis as { [DEFAULTS]?: Record<number, unknown> }

/** Evaluates the package once more, like a second copy or a module that is loaded again. */
async function evaluated(): Promise<Core> {
  vi.resetModules()
  return await import('../../src/index.ts')
}

function messageOf(make: () => unknown): string {
  try {
    make()
  } catch (error) {
    return String(error)
  }
  throw new Error('expected it to throw')
}

let copies: Core[]
beforeEach(() => {
  copies = []
  delete shared[DEFAULTS]
})
afterEach(async () => {
  for (const copy of copies) await copy.getDefaultSluice().close()
  delete shared[DEFAULTS]
  vi.restoreAllMocks()
})

async function twoCopies(): Promise<[Core, Core]> {
  const first = await evaluated()
  const second = await evaluated()
  copies.push(first, second)
  expect(first.SluiceError).not.toBe(second.SluiceError)
  return [first, second]
}

describe('the default Sluice', { timeout: 120_000 }, () => {
  it('is shared by all copies of the package', async () => {
    const [first, second] = await twoCopies()
    const warn = vi.spyOn(process, 'emitWarning')
    expect(second.getDefaultSluice()).toBe(first.getDefaultSluice())
    expect(second.getCachingStrategyEngine()).toBe(first.getDefaultSluice().cache)
    expect(warn).not.toHaveBeenCalled()
  })

  it('applies the options of one copy to the others', async () => {
    const [first, second] = await twoCopies()
    first.getCachingStrategyEngine(5_000_000)
    expect(second.getCachingStrategyEngine(5_000_000)).toBe(first.getDefaultSluice().cache)
    expect(() => second.getCachingStrategyEngine(6_000_000)).toThrow(
      expect.objectContaining({ code: 'SLUICE_ALREADY_CREATED' }),
    )
    first.getLoadBalancingEngine()
    expect(() => second.getLoadBalancingEngine('random')).toThrow(
      expect.objectContaining({ code: 'SLUICE_ALREADY_CREATED' }),
    )
  })

  it('is not created with invalid options, and stores none of them', async () => {
    const [first, second] = await twoCopies()
    const wrong = [
      () => new first.CachingStrategyEngine(-1),
      () => new first.LoadBalancingEngine('best' as 'random'),
    ] as const
    const messages = wrong.map((make) => messageOf(make))
    expect(messageOf(() => first.getCachingStrategyEngine(-1))).toBe(messages[0])
    expect(messageOf(() => first.getLoadBalancingEngine('best' as 'random'))).toBe(messages[1])
    expect(second.getCachingStrategyEngine(5_000_000)).toBe(first.getDefaultSluice().cache)
  })

  it('is available to the test helpers of a different copy', async () => {
    const [first] = await twoCopies()
    const sluice = first.getDefaultSluice()
    vi.resetModules()
    const { hostOf } = await import('../../src/sluice/sluice-host.ts')
    const { expectNoNPlusOne } = await import('../../src/testing/index.ts')
    hostOf(sluice).nextSourceId('orm')
    expect(await expectNoNPlusOne(() => 7)).toBe(7)
  })

  it('stays closed for the copy that closed it, and is created again for a later copy', async () => {
    const [first, second] = await twoCopies()
    const closed = first.getDefaultSluice()
    await closed.close()
    expect(first.getDefaultSluice()).toBe(closed)
    const fresh = second.getDefaultSluice()
    expect(fresh).not.toBe(closed)
    const third = await evaluated()
    expect(third.getDefaultSluice()).toBe(fresh)
  })

  it('ignores the Sluice of a different major version, and warns once', async () => {
    const other = { foreign: true }
    shared[DEFAULTS] = { 2: other }
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const [first, second] = await twoCopies()
    expect(await first.getDefaultSluice().run(() => 7)).toBe(7)
    expect(second.getDefaultSluice()).toBe(first.getDefaultSluice())
    expect(shared[DEFAULTS]?.[2]).toBe(other)
    expect(warn.mock.calls).toEqual([
      [
        expect.stringContaining('Several major versions'),
        { type: 'SluiceWarning', code: 'SLUICE_VERSION_CONFLICT' },
      ],
    ])
  })

  it('has a version that is not older than the package', async () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
      version: string
    }
    const { DEFAULT_VERSION } = await import('../../src/sluice/shared-default.ts')
    expect(DEFAULT_VERSION).toBe(Math.max(1, Number.parseInt(version, 10)))
  })
})
