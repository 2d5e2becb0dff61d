import { type CacheControl, type CacheRequest, createSluice, hostOf, isRefusal } from '@sluice/core'
import { describe, expect, it } from 'vitest'
import { PrismaOperation } from '../src/prisma-operation.ts'
import { PrismaSchema } from '../src/schema/prisma-schema.ts'
import { PrismaShapes } from '../src/shape.ts'
import { touches } from '../src/touches/touches.ts'
import { library } from './schema/library.ts'

function requestOf(args: unknown, control?: CacheControl): CacheRequest<unknown> {
  const host = hostOf(createSluice())
  const schema = new PrismaSchema(library())
  host.catalogs.set('p', schema.catalog)
  const operation = new PrismaOperation(
    {
      host,
      source: { id: 'p', orm: 'prisma', dialect: schema.dialect, seesStatements: false },
      catalogId: 'p',
      shapes: new PrismaShapes(schema.dialect, true),
      seesStatements: false,
      hasInnerExtensions: false,
      hasLaterComputedFields: false,
      computedFields: () => new Map(),
      schema: () => schema,
      pages: () => undefined,
      touches: (model, action, given) => touches(schema, model, action, given),
    },
    {
      model: 'Book',
      operation: 'findMany',
      args,
      control,
      params: { action: 'findMany', clientMethod: 'book.findMany' },
      transaction: undefined,
      query: () => Promise.resolve([]),
    },
  )
  const request = operation.cacheRequest()
  if (isRefusal(request)) throw new Error(`Expected a request, got a refusal: ${request.refused}.`)
  return request
}

const keyOf = (args: unknown) => requestOf(args).key

describe('PrismaOperation', () => {
  it('tells `undefined` from what is left out: with `strictUndefinedChecks` Prisma refuses it', () => {
    expect(keyOf({ where: {} })).toBe(keyOf({ where: {} }))
    expect(keyOf({ where: { id: undefined } })).not.toBe(keyOf({ where: {} }))
  })

  it('hands on what the app said to the cache, outside of the key', () => {
    const control = { ttl: 60 }
    expect(requestOf({ where: {} }, control)).toMatchObject({ control, key: keyOf({ where: {} }) })
    expect(requestOf({ where: {} }).control).toBeUndefined()
  })
})
