import { type CacheControl, createSluice } from '@sluice/core'
import { type CacheRequest, hostOf, isRefusal, ReadPlan } from '@sluice/core/adapter'
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
      conversions: '',
      readsMayWrite: false,
      hasInnerExtensions: false,
      hasLaterComputedFields: false,
      computedFields: () => new Map(),
      omittedFields: () => undefined,
      schema: () => schema,
      pages: () => undefined,
      routed: (_operation, _call, ask) => ask(),
      readsOf: () => undefined,
      touches: (model, operationName, given) =>
        touches(schema, model, operationName, given, (table) => host.catalogs.rowKey('p', table)),
      planOf: () => new ReadPlan(0, ['public.Book']),
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
  it('distinguishes `undefined` from an omitted field, because `strictUndefinedChecks` rejects it', () => {
    expect(keyOf({ where: {} })).toBe(keyOf({ where: {} }))
    expect(keyOf({ where: { id: undefined } })).not.toBe(keyOf({ where: {} }))
  })

  it('passes the control of the app to the cache, but not into the key', () => {
    const control = { ttl: 60 }
    expect(requestOf({ where: {} }, control)).toMatchObject({ control, key: keyOf({ where: {} }) })
    expect(requestOf({ where: {} }).control).toBeUndefined()
  })
})

describe('rows of a Prisma read', () => {
  it('are identified by the primary key', () => {
    const { tables, rows } = requestOf({ where: { id: { in: [7, 8] } } })
    expect(tables).toEqual(['public.Book'])
    expect([...(rows ?? [])]).toEqual([['public.Book', [rowBucket(['7']), rowBucket(['8'])]]])
    expect(requestOf({ where: { title: 'x' } }).rows).toBeUndefined()
  })

  it('are complete when a list has as many rows as keys', () => {
    const request = requestOf({ where: { id: { in: [7, 8, 8] } } })
    expect([request.isComplete?.([{}, {}]), request.isComplete?.([{}]), request.isComplete?.([])]).toEqual([
      true,
      false,
      false,
    ])
  })

  it('are complete when the row exists', () => {
    const request = requestOf({ where: { id: 7 } }, undefined, 'findUnique')
    expect([request.isComplete?.({}), request.isComplete?.(null)]).toEqual([true, false])
  })

  it('are complete when a relation of the row has entries', () => {
    const request = requestOf({ where: { id: 7 }, select: { loans: true } }, undefined, 'findUnique')
    expect([request.isComplete?.([{}, {}]), request.isComplete?.([]), request.isComplete?.(null)]).toEqual([
      true,
      false,
      false,
    ])
  })
})
