import { afterEach, describe, expect, it, vi } from 'vitest'
import { parseCallSite } from '../../src/pipeline/call-site.ts'
import { OriginStacks } from '../../src/pipeline/origin-stacks.ts'

afterEach(() => void vi.unstubAllEnvs())

/** Captures the stack of a query in this function. */
function query(origins: OriginStacks): object {
  const created = {}
  origins.capture(created)
  return created
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

  it.each(['production', 'staging'])('are not captured with NODE_ENV %s', (environment) => {
    vi.stubEnv('NODE_ENV', environment)
    const origins = new OriginStacks()
    expect(origins.areCaptured).toBe(false)
    expect(origins.of(query(origins))).toBeUndefined()
  })
})
