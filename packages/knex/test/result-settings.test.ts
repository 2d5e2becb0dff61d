import knex, { type Knex } from 'knex'
import { afterEach, describe, expect, it } from 'vitest'
import { clientOf } from '../src/internals/client.ts'
import type { ClientInternals } from '../src/internals/types.ts'
import { resultSettings } from '../src/result-settings.ts'

const made: Knex[] = []
afterEach(async () => {
  for (const one of made.splice(0)) await one.destroy()
})

type Connection = NonNullable<Knex.Config['connection']>

function client(connection: Connection, config: Knex.Config = {}): ClientInternals {
  const instance = knex({ client: 'mysql2', connection, ...config })
  made.push(instance)
  const found = clientOf(instance)
  if (found === undefined) throw new TypeError('Not a client.')
  return found
}

const settings = (connection: Connection, config?: Knex.Config): string | undefined =>
  resultSettings(client(connection, config))

describe('settings that affect results', () => {
  const plain = { host: 'a', user: 'one', password: 'x', database: 'd' }

  it('are the same for any address and credentials', () => {
    const elsewhere = {
      host: 'b',
      port: 3307,
      user: 'two',
      password: 'y',
      database: 'e',
      connectTimeout: 5,
      ssl: { ca: 'c' },
    }
    expect(settings(plain)).toBeTypeOf('string')
    expect(settings(elsewhere)).toBe(settings(plain))
    expect(settings('mysql://one:x@a/d')).toBe(settings('mysql://two:y@b:3307/e'))
  })

  it.each([
    ['a setting of the driver', { ...plain, dateStrings: true }, {}],
    ['another value of it', { ...plain, timezone: '+05:00' }, {}],
    ['a setting behind the address', { ...plain, uri: 'mysql://a/d?decimalNumbers=true' }, {}],
    ['a setting in the URL', 'mysql://one:x@a/d?timezone=Z', {}],
    ['a function of its own', { ...plain, typeCast: (_: unknown, next: () => unknown) => next() }, {}],
    [
      'what is done with each connection',
      plain,
      { pool: { afterCreate: (_: unknown, done: () => void) => done() } },
    ],
  ] as [string, Connection, Knex.Config][])('differ by %s', (_, connection, config) => {
    expect(settings(connection, config)).not.toBe(settings(plain))
    expect(settings(connection, config)).toBe(settings(connection, config))
  })

  it('are unknown for a function that uses a variable', () => {
    const factor = Number('2')
    const typeCast = (field: { string(): string }) => Number(field.string()) * factor
    expect(settings({ ...plain, typeCast } as never)).toBeUndefined()
  })

  it('are unknown for bound functions and circular values', () => {
    const typeCast = function (this: unknown) {
      return this
    }.bind({})
    expect(settings({ ...plain, typeCast } as never)).toBeUndefined()
    const own: Record<string, unknown> = {}
    own.own = own
    expect(settings({ ...plain, own } as never)).toBeUndefined()
  })
})
