import { InvalidOptionError } from '@sluice/core'
import { describe, expect, it } from 'vitest'
import { checkPrismaOptions, replicasOf } from '../src/prisma-options.ts'

/** A client whose schema has models named `client` and `region`. */
const client = { $connect() {}, client: {}, region: {} }

describe('the options of withSluice', () => {
  it('accept clients, and clients with their region', () => {
    const balancer = { region: { local: 'eu' } }
    const replicas = [
      { client, region: 'eu' },
      { client, region: 'us', zone: 'a' },
    ]
    expect(replicasOf({ replicas: [client] }).replicas).toEqual([{ client }])
    expect(replicasOf({ replicas, balancer }).replicas).toEqual(replicas)
    expect(() => checkPrismaOptions({ replicas, balancer, primaryRegion: 'us' })).not.toThrow()
    expect(() => checkPrismaOptions({ replicas: [client] })).not.toThrow()
  })

  it.each([
    [{ replicas: client }, 'replicas'],
    [{ replicas: [{ region: 'eu' }] }, 'replicas'],
    [{ replicas: [{ client: {}, region: 'eu' }] }, 'replicas'],
    [{ replicas: [{ client, region: 5 }] }, 'replicas[0].region'],
    [{ replicas: [{ client, place: 'eu' }] }, 'replicas[0].place'],
    [{ replicas: [{ client, region: 'eu' }] }, 'balancer.region'],
    [{ replicas: [client], balancer: { region: { local: 'eu' } } }, 'replicas[0].region'],
    [{ primaryRegion: 'eu' }, 'balancer.region'],
    [{ schema: {} }, 'schema'],
    [{ lag: 5 }, 'lag'],
  ])('reject %#', (options, name) => {
    const check = () => checkPrismaOptions(options as never)
    expect(check).toThrow(InvalidOptionError)
    expect(check).toThrow(`"${name}"`)
  })
})
