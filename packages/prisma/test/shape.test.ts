import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { PrismaShapes } from '../src/shape.ts'

const shapes = new PrismaShapes('sqlite')
const written = (operation: string, args: unknown) =>
  shapes.shapeOf('Tag', undefined, operation, 'write', args)
const rows = (count: number) =>
  Array.from({ length: count }, (_, id) => ({ id, label: `tag ${id}`, isNew: id % 2 === 0 }))

describe('shape of a read', () => {
  const isWhole = (where: unknown) => shapes.shapeOf('Tag', undefined, 'findMany', 'read', { where }).isWhole

  it('is whole if it shows all fields of its arguments', () => {
    expect(isWhole({ AND: [{ id: 1 }, { posts: { some: { title: 'x' } } }] })).toBe(true)
    expect(isWhole({ id: { in: [1, 2] } })).toBe(true)
  })

  it('is not whole if a list begins with a value and contains objects, or if fields are nested deeply', () => {
    expect(isWhole({ AND: [undefined, { posts: { some: { title: 'x' } } }] })).toBe(false)
    expect(isWhole({ NOT: { NOT: { NOT: { NOT: { NOT: { posts: { some: {} } } } } } } })).toBe(false)
  })
})

describe('shapes', () => {
  const read = (where: unknown) => shapes.shapeOf('Tag', undefined, 'findMany', 'read', { where })

  it('are the same for the same names, and differ for other names or another order of them', () => {
    expect(read({ a: 1, b: { in: [1] } })).toBe(read({ a: 'x', b: { in: [] } }))
    expect(read({ a: 1, b: 2 })).not.toBe(read({ b: 1, a: 2 }))
    expect(read({ a: 1 })).not.toBe(read({ a: null }))
    expect(read({ a: { b: 1 } })).not.toBe(read({ a: 1, b: 1 }))
    expect(new Set(['a', 'b', 'c', 'a', 'b'].map((name) => read({ [name]: 1 }).fingerprint)).size).toBe(3)
  })

  it('differ for names that look like other parts of a structure', () => {
    const names = [{ '{': 1 }, { '?': 1 }, { 'a?b': 1 }, { a: 1, b: 1 }, { '': 1 }, {}]
    const found = names.map((equals) => read({ json: { equals } }))
    expect(new Set(found.map(({ fingerprint }) => fingerprint)).size).toBe(names.length)
    expect(names.map((equals) => read({ json: { equals } }))).toEqual(found)
  })

  it('support conditions of any length', () => {
    const all = (count: number) => read({ OR: rows(count) })
    expect(all(20_000)).toBe(all(20_000))
    expect(all(20_000)).not.toBe(all(19_999))
  })

  it('are forgotten when there are too many', () => {
    const own = new PrismaShapes('sqlite')
    const of = (name: string) => own.shapeOf('Tag', undefined, 'findMany', 'read', { where: { [name]: 1 } })
    const first = of('a0')
    for (let at = 1; at < 2_000; at += 1) of(`a${at}`)
    expect(of('a0')).toBe(first)
    of('b')
    expect(of('a0')).not.toBe(first)
    expect(of('a0').fingerprint).toBe(first.fingerprint)
  })
})

describe('shape of a write', () => {
  it('is the same for lists of rows of any length', () => {
    expect(written('createMany', { data: rows(2) })).toBe(written('createMany', { data: rows(300) }))
    const nested = (count: number) => ({ where: { id: 1 }, data: { posts: { create: rows(count) } } })
    expect(written('update', nested(1))).toBe(written('update', nested(7)))
  })

  it('differs for other columns and other selections', () => {
    expect(written('createMany', { data: rows(2) })).not.toBe(written('createMany', { data: [{ id: 1 }] }))
    expect(written('create', { data: { id: 1 }, select: { id: true } })).not.toBe(
      written('create', { data: { id: 1 } }),
    )
  })

  it('treats true as a value where it is one', () => {
    expect(written('create', { data: { isNew: true } })).toBe(written('create', { data: { isNew: false } }))
  })

  it('retains no values of the first write', () => {
    expect(
      written('upsert', { where: { id: 1 }, create: { id: 1 }, update: {}, select: { id: true } }).rest,
    ).toEqual({
      select: { id: true },
    })
    expect(written('createMany', { data: rows(3), skipDuplicates: true }).rest).toEqual({
      skipDuplicates: true,
    })
  })

  it('does not prevent garbage collection of the first write', async () => {
    const makeShape = () => {
      const data = rows(3)
      const shape = written('updateManyAndReturn', { where: { id: 7 }, data })
      return { shape, data: new WeakRef(data) }
    }
    const made = makeShape()
    setFlagsFromString('--expose-gc')
    // A new weak reference keeps its target alive until the end of the tick.
    await new Promise((resolve) => setImmediate(resolve))
    runInNewContext('gc')()
    expect(made.data.deref()).toBeUndefined()
    expect(made.shape.plan()).toBeUndefined()
  })
})
