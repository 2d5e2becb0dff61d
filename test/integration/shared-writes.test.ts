import { SluiceError } from '@sluice/core'
import type { CacheStore } from '@sluice/core/stores'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { memoryStore } from '../../packages/core/src/cache/stores/memory-store.ts'
import { databases } from '../support/databases.ts'
import { openStack, type Stack, seed } from '../support/stack.ts'

/** A store that fails on request and counts its calls. */
function faultyStore() {
  const failing = new Set<string>()
  const calls: string[] = []
  const store = new Proxy<CacheStore>(memoryStore(), {
    get(target, name) {
      const value = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        calls.push(String(name))
        return failing.has(String(name))
          ? Promise.reject(new Error('the store is away'))
          : value.apply(target, args)
      }
    },
  })
  return { store, failing, calls }
}

describe.each(databases())('writes with a shared store on $name', ({ dialect, skipped }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    let stack: Stack
    let faults: ReturnType<typeof faultyStore>
    const errors: unknown[] = []
    beforeAll(async () => {
      faults = faultyStore()
      stack = await openStack(dialect, {
        cache: { ttl: 60, store: faults.store, consistency: 'strict' },
        reportsErrors: false,
      })
      stack.sluice.on('error', (error) => errors.push(error))
      await seed(stack.bare)
      await stack.prisma.tag.count()
      await stack.ready()
    })
    afterAll(() => stack?.close())
    beforeEach(() => {
      faults.calls.splice(0)
      errors.splice(0)
    })
    afterEach(() => faults.failing.clear())

    const announcements = () => faults.calls.filter((call) => call === 'begin' || call === 'end').join(' ')
    const label = async (id: number) => (await stack.bareDb('Tag').where({ id }).first())?.label

    /** Every way to write, and the label that it gives to the tag with this id. */
    const ways: readonly [name: string, write: (value: string) => Promise<unknown>][] = [
      ['a write of Prisma', (value) => stack.prisma.tag.update({ where: { id: 1 }, data: { label: value } })],
      [
        'a write of many of Prisma',
        (value) => stack.prisma.tag.updateMany({ where: { id: 1 }, data: { label: value } }),
      ],
      [
        'an interactive transaction of Prisma',
        (value) =>
          stack.prisma.$transaction(async (tx) =>
            tx.tag.update({ where: { id: 1 }, data: { label: value } }),
          ),
      ],
      [
        'a batch of Prisma',
        (value) =>
          stack.prisma.$transaction([
            stack.prisma.tag.update({ where: { id: 1 }, data: { label: `${value} first` } }),
            stack.prisma.tag.update({ where: { id: 1 }, data: { label: value } }),
          ]),
      ],
      ['a write of Knex', (value) => stack.db('Tag').where({ id: 1 }).update({ label: value })],
      [
        'a raw statement of Knex',
        (value) => stack.db.raw('update ?? set label = ? where id = 1', ['Tag', value]),
      ],
      [
        'a transaction of Knex',
        (value) => stack.db.transaction((trx) => trx('Tag').where({ id: 1 }).update({ label: value })),
      ],
    ]

    it.each(ways)(
      '%s is announced before it takes effect and ended before it is acknowledged',
      async (_, write) => {
        await write('told')
        expect(announcements()).toBe('begin end')
        expect(await label(1)).toBe('told')
      },
    )

    it.each(ways)(
      '%s is rejected when other processes cannot be notified, and changes nothing',
      async (_, write) => {
        await write('before')
        faults.failing.add('begin')
        const refused = write('refused')
        await expect(refused).rejects.toBeInstanceOf(Error)
        expect(await label(1)).toBe('before')
        faults.failing.clear()
        await write('after')
        expect(await label(1)).toBe('after')
      },
    )

    it('carry an error code when they are rejected', async () => {
      faults.failing.add('begin')
      await expect(stack.db('Tag').where({ id: 1 }).update({ label: 'refused' })).rejects.toMatchObject({
        code: 'SLUICE_WRITE_REJECTED',
      })
      await expect(
        stack.db.transaction((trx) => trx('Tag').where({ id: 1 }).update({ label: 'refused' })),
      ).rejects.toBeInstanceOf(SluiceError)
    })

    it('are rejected any number of times without leaking connections', async () => {
      faults.failing.add('begin')
      for (let round = 0; round < 15; round += 1) {
        for (const [, write] of ways) await write('refused').catch(() => {})
      }
      faults.failing.clear()
      for (const [, write] of ways) await write('in order')
      expect(await label(1)).toBe('in order')
    })

    it('of a transaction that rolls back are announced to no other process', async () => {
      const away = new Error('away')
      await expect(
        stack.prisma.$transaction(async (tx) => {
          await tx.tag.update({ where: { id: 1 }, data: { label: 'rolled back' } })
          throw away
        }),
      ).rejects.toThrow(away)
      await expect(
        stack.db.transaction(async (trx) => {
          await trx('Tag').where({ id: 1 }).update({ label: 'rolled back' })
          throw away
        }),
      ).rejects.toThrow(away)
      expect(announcements()).toBe('')
    })

    it.each(ways)(
      '%s is acknowledged although its end could not be announced, and no reader sees a stale result',
      async (_, write) => {
        const read = () => stack.prisma.tag.findUnique({ where: { id: 1 } })
        await write('one')
        await read()
        faults.failing.add('end')
        await write('two')
        expect((await read())?.label).toBe('two')
        faults.failing.clear()
        expect((await read())?.label).toBe('two')
      },
    )

    it('of one row keep the results of other rows cached', async () => {
      const other = () => stack.prisma.tag.findUnique({ where: { id: 2 } })
      await other()
      stack.taken()
      await stack.prisma.tag.update({ where: { id: 1 }, data: { label: 'one row' } })
      await stack.db('Tag').where({ id: 1 }).update({ label: 'one row again' })
      stack.taken()
      await other()
      expect(stack.taken()).toEqual([])
    })
  })
})

describe.each(['strict', 'bounded'] as const)('a closed Sluice with a shared store, %s', (consistency) => {
  const calls: readonly [name: string, write: (stack: Stack, label: string) => Promise<unknown>][] = [
    ['a write of Prisma', ({ prisma }, label) => prisma.tag.update({ where: { id: 1 }, data: { label } })],
    [
      'a transaction of Prisma',
      ({ prisma }, label) =>
        prisma.$transaction(async (tx) => tx.tag.update({ where: { id: 1 }, data: { label } })),
    ],
    ['a write of Knex', async ({ db }, label) => db('Tag').where({ id: 1 }).update({ label })],
    [
      'a transaction of Knex',
      ({ db }, label) => db.transaction((trx) => trx('Tag').where({ id: 1 }).update({ label })),
    ],
  ]

  it.each(calls)('lets %s run as without Sluice, whether in flight or new', async (_, write) => {
    const stack = await openStack('sqlite', { cache: { ttl: 60, store: memoryStore(), consistency } })
    try {
      await seed(stack.bare)
      await stack.prisma.tag.count()
      await stack.ready()
      const label = async () => (await stack.bareDb('Tag').where({ id: 1 }).first())?.label
      const underWay = write(stack, 'under way')
      await stack.sluice.close()
      await underWay
      expect(await label()).toBe('under way')
      await write(stack, 'to come')
      expect(await label()).toBe('to come')
    } finally {
      await stack.close()
    }
  })
})
