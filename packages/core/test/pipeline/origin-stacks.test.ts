import { afterEach, describe, expect, it, vi } from 'vitest'
import { parseCallSite } from '../../src/pipeline/call-site.ts'
import { lateStack, OriginStacks } from '../../src/pipeline/origin-stacks.ts'
import { FakeClock } from '../helpers.ts'

afterEach(() => void vi.unstubAllEnvs())

/** Captures the stack of a query in this function. */
function query(origins: OriginStacks): object {
  const created = {}
  origins.capture(created)
  return created
}

/** The functions in the stacks of queries that are sent where no function of the app awaits them. */
async function placesOf(origins: OriginStacks, queries: readonly object[]): Promise<unknown[]> {
  const stacks = queries.map((query) => origins.of(query))
  for (const stack of stacks) if (stack !== undefined) setImmediate(stack)
  await new Promise((resolve) => setImmediate(resolve))
  return stacks.map((stack) => parseCallSite(stack?.().stack)?.functionName)
}

describe('OriginStacks', () => {
  it('are not used if a function of the app awaits the query', async () => {
    const origins = new OriginStacks()
    const created = query(origins)
    async function waiting() {
      await undefined
      return origins.of(created)?.().stack
    }
    expect(parseCallSite(await waiting())?.functionName).toBe('waiting')
  })

  it('belong to the object that represents a query from then on', () => {
    const origins = new OriginStacks()
    const sent = {}
    origins.copy(query(origins), sent)
    expect(origins.of(sent)).toBeTypeOf('function')
    expect(origins.of({})).toBeUndefined()
    expect(() => origins.copy(query(origins), 'select 1')).not.toThrow()
  })

  it('add no property to a query, which can be frozen', () => {
    const origins = new OriginStacks()
    const created = Object.freeze({})
    origins.capture(created)
    expect(Reflect.ownKeys(created)).toEqual([])
    expect(origins.of(created)).toBeTypeOf('function')
  })

  it('are limited in development, and known again a second later', async () => {
    vi.stubEnv('NODE_ENV', 'development')
    const clock = new FakeClock()
    const origins = new OriginStacks(clock)
    const known = query(origins)
    for (let at = 1; at < 1_000; at += 1) query(origins)
    const unknown = query(origins)
    clock.advance(1_000)
    const later = query(origins)
    expect(await placesOf(origins, [known, unknown, later])).toEqual(['query', undefined, 'query'])
  })

  it('leave a query without a call site beyond the limit only if no function of the app awaits it', async () => {
    vi.stubEnv('NODE_ENV', 'development')
    const origins = new OriginStacks(new FakeClock())
    for (let at = 0; at < 1_000; at += 1) query(origins)
    const unknown = query(origins)
    async function waiting() {
      await undefined
      return origins.of(unknown)?.().stack
    }
    expect(parseCallSite(await waiting())?.functionName).toBe('waiting')
  })

  it('are not limited in tests', async () => {
    vi.stubEnv('NODE_ENV', 'test')
    const origins = new OriginStacks(new FakeClock())
    for (let at = 0; at < 1_000; at += 1) query(origins)
    expect(await placesOf(origins, [query(origins)])).toEqual(['query'])
  })

  it.each(['production', 'staging'])('are not captured with NODE_ENV %s', (environment) => {
    vi.stubEnv('NODE_ENV', environment)
    const origins = new OriginStacks()
    expect(origins.areCaptured).toBe(false)
    expect(origins.of(query(origins))).toBeUndefined()
  })

  describe('of the call of an ORM', () => {
    /** Calls a method that sends a statement later, in this function. */
    function calls(origins: OriginStacks, sql: string, sent = sql): Promise<string | undefined> {
      return origins.run(sql, async () => {
        await undefined
        const stack = lateStack(sent)
        setImmediate(stack)
        await new Promise((resolve) => setImmediate(resolve))
        return parseCallSite(stack().stack)?.functionName
      })
    }

    /** V8 does not know that the result depends on a promise. */
    function notAwaited<T>(promise: Promise<T>): Promise<T> {
      return new Promise((resolve) => void promise.then((value) => resolve(value)))
    }

    it('lead to the function that awaits it', async () => {
      async function waiting() {
        return await calls(new OriginStacks(), 'SELECT 1')
      }
      expect(await waiting()).toBe('waiting')
    })

    it('are those of the call if no function awaits it', async () => {
      expect(await notAwaited(calls(new OriginStacks(), 'SELECT 1'))).toBe('calls')
    })

    it('are not captured beyond the budget', async () => {
      vi.stubEnv('NODE_ENV', 'development')
      const origins = new OriginStacks(new FakeClock())
      for (let at = 0; at < 1_000; at += 1) origins.capture({})
      expect(await notAwaited(calls(origins, 'SELECT 1'))).toBeUndefined()
    })

    it('pass on errors that the call throws or rejects with', async () => {
      const fails = () => {
        throw new Error('at once')
      }
      expect(() => new OriginStacks().run('SELECT 1', fails)).toThrow('at once')
      await expect(new OriginStacks().run('SELECT 1', () => Promise.reject('later'))).rejects.toBe('later')
    })

    it('belong to its statement only', async () => {
      expect(await notAwaited(calls(new OriginStacks(), 'SELECT 1', 'SELECT 2'))).toBeUndefined()
    })

    it('are not captured in production', async () => {
      vi.stubEnv('NODE_ENV', 'production')
      expect(await notAwaited(calls(new OriginStacks(), 'SELECT 1'))).toBeUndefined()
    })
  })
})
