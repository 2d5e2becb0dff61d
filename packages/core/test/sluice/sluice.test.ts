import { AsyncLocalStorage } from 'node:async_hooks'
import {
  createSluice,
  InvalidOptionError,
  type Mode,
  type Sluice,
  SluiceError,
  type SluiceOptions,
} from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ownCacheNamespaces } from '../../src/cache/namespace-table.ts'
import { read, turn } from '../helpers.ts'

afterEach(() => vi.unstubAllEnvs())

describe('a Sluice with invalid arguments', () => {
  it.each(['run', 'bypass', 'onPrimary', 'explain'] as const)(
    'rejects %s without a function',
    async (method) => {
      await expect(createSluice()[method](undefined as never)).rejects.toMatchObject({
        code: 'SLUICE_INVALID_ARGUMENT',
        argument: 'fn',
      })
    },
  )

  it.each([
    ['nam', { nam: 'x' }],
    ['name', { name: 7 }],
    ['mode', { mode: 'fast' }],
  ])('rejects the option %s of run and explain, and does not call the function', async (option, options) => {
    const sluice = createSluice()
    for (const running of [
      sluice.run(() => expect.unreachable(), options as never),
      sluice.explain(() => expect.unreachable(), options as never),
    ])
      await expect(running).rejects.toMatchObject({ code: 'SLUICE_INVALID_OPTION', option })
  })

  it('throws for an unknown event, and without a listener', () => {
    const sluice = createSluice()
    expect(() => sluice.on('findings' as never, () => {})).toThrow('expected one of finding, scope,')
    expect(() => sluice.on('toString' as never, () => {})).toThrow('"event"')
    for (const on of [
      () => sluice.on('finding', undefined as never),
      () => sluice.jobs?.on('task:dead', undefined as never),
      () => sluice.monitor?.on('alert', undefined as never),
      () => sluice.balancer?.on('ejected', undefined as never),
    ])
      expect(on).toThrow(expect.objectContaining({ code: 'SLUICE_INVALID_ARGUMENT', argument: 'listener' }))
  })

  it('throws for changes to queues after it was closed', async () => {
    const sluice = createSluice()
    const { jobs } = sluice
    await sluice.close()
    for (const change of [
      () => jobs?.createQueue('mail'),
      () => jobs?.setConcurrency('default', 2),
      () => jobs?.registerProcessingCallback('id', () => 1),
    ])
      expect(change).toThrow(expect.objectContaining({ code: 'SLUICE_CLOSED' }))
  })

  it('names functions that create what an option expects', () => {
    expect(() => createSluice({ cache: { store: 'redis' } } as never)).toThrow('redisStore()')
    expect(() => createSluice({ jobs: { backend: 'redis' } } as never)).toThrow('bullmqJobBackend()')
  })
})

describe('createSluice', () => {
  it.each<[string, unknown]>([
    ['mode', { mode: 'fast' }],
    ['rollout', { rollout: 2 }],
    ['cache', { cache: true }],
    ['cache.ttl', { cache: { ttl: 0 } }],
    ['cache.ttl', { cache: { ttl: '1' } }],
    ['cache.maxBytes', { cache: { maxBytes: 1.5 } }],
    ['cache.tables', { cache: { tables: 'City' } }],
    ['context', { context: 'x' }],
    ['cache.size', { cache: { size: 1 } }],
    ['batch.maxKeys', { batch: { maxKeys: 1 } }],
    ['detection.threshold', { detection: { threshold: 1 } }],
    ['shadow.sample', { shadow: { sample: -1 } }],
    ['optimise', { optimise: true }],
    ['__proto__', JSON.parse('{"__proto__": 1}')],
    ['options', 'optimize'],
    ['options', null],
  ])('includes the option %s in its error', (option, options) => {
    const make = () => createSluice(options as SluiceOptions)
    expect(make).toThrow(InvalidOptionError)
    expect(make).toThrow(option)
    try {
      make()
    } catch (error) {
      expect(error).toMatchObject({ code: 'SLUICE_INVALID_OPTION', option })
    }
  })

  it('treats an explicit undefined as the default', () => {
    expect(createSluice({ mode: undefined, cache: undefined } as unknown as SluiceOptions).mode).toBe(
      'observe',
    )
  })

  it('observes by default, and reads the mode from the environment if it is not set', () => {
    expect(createSluice().mode).toBe('observe')
    vi.stubEnv('SLUICE_MODE', 'shadow')
    expect(createSluice().mode).toBe('shadow')
    expect(createSluice({ mode: 'optimize' }).mode).toBe('optimize')
    vi.stubEnv('SLUICE_MODE', 'warp')
    expect(() => createSluice()).toThrow('SLUICE_MODE')
  })
})

describe('modes', () => {
  const merged = async (sluice: Sluice) => {
    const find = (key: number) =>
      hostOf(sluice).execute(
        read({
          key,
          run: async () => key,
          runMany: async (keys) => new Map(keys.map(({ text }) => [text, text])),
        }),
      )
    const before = sluice.queries.getStats().batched
    await sluice.run(() => Promise.all([find(1), find(2)]))
    return sluice.queries.getStats().batched > before
  }

  it('can be changed while running', async () => {
    const sluice = createSluice({ cache: false })
    expect(await merged(sluice)).toBe(false)
    sluice.setMode('optimize')
    expect(await merged(sluice)).toBe(true)
    sluice.setMode('observe')
    expect(await merged(sluice)).toBe(false)
  })

  it('throw for an unknown mode', () => {
    expect(() => createSluice().setMode('fast' as Mode)).toThrow(InvalidOptionError)
  })

  it('apply to a sample of scopes', async () => {
    const chances = [0.1, 0.6, 0.4]
    const sluice = createSluice({
      mode: 'optimize',
      cache: false,
      rollout: 0.5,
      random: () => chances.shift() ?? 1,
    })
    expect([await merged(sluice), await merged(sluice), await merged(sluice)]).toEqual([true, false, true])
  })
})

describe('shadow mode', () => {
  const shadowed = (optimizedValue: unknown, bareValue: unknown) => {
    const sluice = createSluice({ mode: 'shadow', cache: false })
    const differences: unknown[] = []
    sluice.on('shadowDifference', (difference) => differences.push(difference))
    const find = (key: number) =>
      hostOf(sluice).execute(
        read({
          key,
          run: async () => bareValue,
          runMany: async (keys) => new Map(keys.map(({ text }) => [text, optimizedValue])),
          cache: { key: `q${key}`, tables: ['t'] },
        }),
      )
    return { sluice, differences, run: () => sluice.run(() => Promise.all([find(1), find(2)])) }
  }

  it('returns the unchanged result and reports a difference without its values', async () => {
    const { sluice, differences, run } = shadowed([{ secret: 1 }, { secret: 2 }], [{ secret: 1 }])
    expect(await run()).toEqual([[{ secret: 1 }], [{ secret: 1 }]])
    await turn()
    expect(differences).toMatchObject([
      { label: 'read', bare: '1 row', optimized: '2 rows' },
      { label: 'read', bare: '1 row', optimized: '2 rows' },
    ])
    expect(JSON.stringify(differences)).not.toContain('secret')
    expect(sluice.queries.getStats()).toMatchObject({ shadowed: 2, shadowDifferences: 2 })
  })

  it('reports nothing if results are equal', async () => {
    const { sluice, differences, run } = shadowed([{ a: new Date(0) }], [{ a: new Date(0) }])
    await run()
    await turn()
    expect(differences).toEqual([])
    expect(sluice.queries.getStats().shadowed).toBe(2)
  })
})

describe('a closed Sluice', () => {
  it('passes operations through and rejects changes', async () => {
    const sluice = createSluice({ mode: 'optimize' })
    await sluice.close()
    await sluice.close()
    expect(await sluice.run(() => hostOf(sluice).execute(read({ run: async () => 7 })))).toBe(7)
    expect(() => sluice.setMode('optimize')).toThrow(SluiceError)
  })

  it('stops following asynchronous calls once its last scope has ended', async () => {
    const sluice = createSluice()
    const { scopes } = hostOf(sluice)
    const handle = sluice.openScope('open')
    let release: () => void = () => {}
    const seen: (string | undefined)[] = []
    const working = handle.enter(async () => {
      await new Promise<void>((resolve) => {
        release = resolve
      })
      seen.push(scopes.current()?.name)
    })
    const disable = vi.spyOn(AsyncLocalStorage.prototype, 'disable')
    await sluice.close()
    expect(disable).not.toHaveBeenCalled()
    release()
    await working
    expect(seen).toEqual(['open'])
    handle.end()
    expect(disable).toHaveBeenCalledOnce()
    await sluice.run(() => {})
    expect(disable).toHaveBeenCalledTimes(2)
    disable.mockRestore()
  })
})

describe('listeners', () => {
  it('have no effect when they throw', async () => {
    const sluice = createSluice()
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    sluice.on('scope', () => {
      throw new Error('listener')
    })
    expect(await sluice.run(() => 1)).toBe(1)
    expect(warning).toHaveBeenCalledOnce()
    warning.mockRestore()
  })

  it('can be removed', async () => {
    const sluice = createSluice()
    let heard = 0
    const stop = sluice.on('scope', () => {
      heard += 1
    })
    await sluice.run(() => 1)
    stop()
    await sluice.run(() => 1)
    expect(heard).toBe(1)
  })
})

describe('scopes', () => {
  it('end once, even if their end is repeated', () => {
    const sluice = createSluice()
    let ended = 0
    sluice.on('scope', () => {
      ended += 1
    })
    const scope = sluice.openScope('a')
    scope.name = 'b'
    expect(scope.end()).toBe(scope.end())
    expect(scope.end().name).toBe('b')
    expect(ended).toBe(1)
  })

  it('end when their function throws', async () => {
    const sluice = createSluice()
    let ended = 0
    sluice.on('scope', () => {
      ended += 1
    })
    await expect(sluice.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(ended).toBe(1)
  })
})

describe('ownCacheNamespaces', () => {
  it('contains every namespace in which Sluice caches values', async () => {
    const sluice = createSluice({ mode: 'optimize' })
    await sluice.tiered?.getOrLoad('key', () => 1)
    sluice.queries.cacheResult('SELECT 1', [{ one: 1 }])
    const used = ownCacheNamespaces.filter(
      (name) => (sluice.cache?.invalidateByPattern(`${name}:*`) ?? 0) > 0,
    )
    expect(used).toEqual(['tiered', 'query-results'])
    expect(sluice.cache?.getStats().itemCount).toBe(0)
    expect(ownCacheNamespaces).toContain('results')
    await sluice.close()
  })
})
