import { type CacheControl, createSluice } from '@sluice/core'
import { type CacheRequest, isRefusal } from '@sluice/core/adapter'
import { hostOf } from '@sluice/core/siblings'
import { describe, expect, it } from 'vitest'
import { rowBucket } from '../../core/src/schema/row-key.ts'
import { PrismaOperation } from '../src/prisma-operation.ts'
import { PrismaSchema } from '../src/schema/prisma-schema.ts'
import { PrismaShapes } from '../src/shape.ts'
import { touches } from '../src/touches/touches.ts'
import { library } from './schema/library.ts'

function requestOf(args: unknown, control?: CacheControl, action = 'findMany'): CacheRequest<unknown> {
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
      routed: (_operation, _call, ask) => ask(),
      touches: (model, operationName, given) => touches(schema, model, operationName, given, (table) => host.catalogs.rowKey('p', table)),
    },
    {
      model: 'Book',
      operation: action,
      args,
      control,
      params: { action, clientMethod: `book.${action}` },
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

describe('the rows of a Prisma read', () => {
  it('are named by the primary key', () => {
    const { tables, rows } = requestOf({ where: { id: { in: [7, 8] } } })
    expect(tables).toEqual(['public.Book'])
    expect([...(rows ?? [])]).toEqual([['public.Book', [rowBucket(['7']), rowBucket(['8'])]]])
    expect(requestOf({ where: { title: 'x' } }).rows).toBeUndefined()
  })

  it('were found when a list has as many', () => {
    const { isComplete } = requestOf({ where: { id: { in: [7, 8, 8] } } })
    expect([isComplete?.([{}, {}]), isComplete?.([{}]), isComplete?.([])]).toEqual([true, false, false])
  })

  it('were found when there is a row', () => {
    const { isComplete } = requestOf({ where: { id: 7 } }, undefined, 'findUnique')
    expect([isComplete?.({}), isComplete?.(null)]).toEqual([true, false])
  })

  it('were found when there is something along a relation of the row', () => {
    const { isComplete } = requestOf({ where: { id: 7 }, select: { loans: true } }, undefined, 'findUnique')
    expect([isComplete?.([{}, {}]), isComplete?.([]), isComplete?.(null)]).toEqual([true, false, false])
  })
})
