import type { LookupKey } from '@sluice/core/adapter'
import { TooManyRowsError } from '@sluice/core/adapter'
import { describe, expect, it } from 'vitest'
import { keyOf } from '../../src/lookups/key-type.ts'
import { mergeListed } from '../../src/lookups/merge-listed.ts'
import type { MergedCall } from '../../src/lookups/merged-call.ts'

const relation = { field: 'posts', steps: ['some', 'id'], listed: 'id' }
const keys = [7, 8, 9].map((id) => keyOf([id], ['int']) as LookupKey)

/** @param rows - The rows that the database returns. */
function callOf(rows: readonly object[], action = 'many', writes: () => number | undefined = () => 1) {
  const sent: unknown[] = []
  const call = {
    key: { fields: ['posts'], types: ['int'], wrapped: new Map(), relation },
    filters: { label: 'x' },
    rest: { orderBy: { id: 'asc' }, skip: 0 },
    plan: { action },
    shape: { model: { primaryKey: ['id'] } },
    params: { action: 'findMany', clientMethod: 'tag.findMany' },
    query: async (args: unknown) => {
      sent.push(args)
      return structuredClone(rows)
    },
    writes,
  } as unknown as MergedCall
  return { call, sent }
}

const texts = (answers: ReadonlyMap<string, unknown> | undefined) => answers && [...answers.values()]
const related = (id: number, ...posts: number[]) => ({ id, posts: posts.map((post) => ({ id: post })) })

describe('mergeListed', () => {
  it('returns the rows that are related to each key, without the relation', async () => {
    const { call, sent } = callOf([related(1, 7, 8), related(2, 8)])
    expect(texts(await mergeListed(call, relation, keys))).toEqual([[{ id: 1 }], [{ id: 1 }, { id: 2 }], []])
    expect(sent).toEqual([
      {
        orderBy: { id: 'asc' },
        include: { posts: { where: { id: { in: [7, 8, 9] } }, select: { id: true } } },
        where: { AND: [{ label: 'x' }, { posts: { some: { id: { in: [7, 8, 9] } } } }] },
        take: 1_001,
      },
    ])
  })

  it('counts the rows that are related to each key', async () => {
    const { call, sent } = callOf([related(1, 7, 8), related(2, 8)], 'count')
    expect(texts(await mergeListed(call, relation, keys))).toEqual([1, 2, 0])
    expect(sent).toMatchObject([{ select: { id: true } }])
  })

  it('returns nothing if the tables were written in between', async () => {
    let state = 0
    const { call } = callOf([related(1, 7)], 'many', () => {
      state += 1
      return state
    })
    expect(await mergeListed(call, relation, keys)).toBeUndefined()
    const { call: writing, sent } = callOf([related(1, 7)], 'many', () => undefined)
    expect(await mergeListed(writing, relation, keys)).toBeUndefined()
    expect(sent).toEqual([])
  })

  it('returns nothing if a row is no longer related to a key', async () => {
    const { call } = callOf([related(1, 7), related(2)])
    expect(await mergeListed(call, relation, keys)).toBeUndefined()
    const { call: unknown } = callOf([related(1, 5)])
    expect(await mergeListed(unknown, relation, keys)).toBeUndefined()
  })

  it('does not return more rows than allowed', async () => {
    const rows = Array.from({ length: 1_001 }, (_, at) => related(at, 7))
    await expect(mergeListed(callOf(rows).call, relation, keys)).rejects.toThrow(TooManyRowsError)
    await expect(mergeListed(callOf(rows.slice(0, 4)).call, relation, keys, 3)).rejects.toThrow(
      TooManyRowsError,
    )
  })
})
