import type { Dialect } from '@sluice/core'
import type { Knex } from 'knex'
import { describe, expect, it } from 'vitest'
import { testInstance } from '../instance.ts'

describe('KnexLookup', () => {
  const instance = testInstance('sqlite')
  const { db } = instance

  describe('target', () => {
    it('contains the key columns, and is one object for all selects of a structure', () => {
      const { target } = instance.lookup(db('reviews').where('city_id', 1).where('stars', '>', 3))
      expect(target).toEqual({
        table: 'main.reviews',
        columns: ['city_id'],
        shape: expect.stringMatching(/^[0-9a-f]{16}$/),
      })
      expect(instance.lookup(db('reviews').where('city_id', 2).where('stars', '>', 4)).target).toBe(target)
    })

    it('has a shape that depends on the structure only, and is the same in every process', () => {
      const shapeOf = (other = testInstance('sqlite'), stars = 3) =>
        other.lookup(other.db('reviews').where('city_id', 1).where('stars', '>', stars)).target?.shape
      expect(shapeOf()).toBe(shapeOf(testInstance('sqlite'), 5))
      expect(shapeOf()).not.toBe(
        instance.lookup(db('reviews').where('city_id', 1).where('stars', '<', 3)).target?.shape,
      )
    })

    it('contains column names of the database', () => {
      const snake = testInstance('sqlite', {
        wrapIdentifier: (name, wrap) => wrap(name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)),
      })
      expect(snake.lookup(snake.db('reviews as r').where('r.cityId', 1)).target?.columns).toEqual(['city_id'])
    })

    it('is unknown for views, unknown tables, and without a catalog', () => {
      expect(instance.lookup(db('overview').where('id', 1)).target).toBeUndefined()
      expect(instance.lookup(db('elsewhere').where('id', 1)).target).toBeUndefined()
      const blind = testInstance('sqlite', {}, false)
      expect(blind.lookup(blind.db('reviews').where('city_id', 1)).target).toBeUndefined()
    })
  })

  it('reads its table unless a temporary table may shadow it', () => {
    const other = testInstance('sqlite')
    const lookup = other.lookup(other.db('reviews').where('city_id', 1))
    expect(lookup.reads?.()).toEqual(['main.reviews'])
    other.context.host.catalogs.shadow('reviews')
    expect(lookup.reads?.()).toBeUndefined()
    expect(other.lookup(other.db('overview').where('id', 1)).reads?.()).toBeUndefined()
  })

  describe('key', () => {
    const keyOf = (where: object) => {
      const { key, target } = instance.lookup(db('reviews').where(where))
      return [target?.columns, key.values]
    }

    it('prefers a unique key, then a foreign key, then the last condition', () => {
      expect(keyOf({ id: 1, city_id: 2, stars: 3 })).toEqual([['id'], [1]])
      expect(keyOf({ slug: 'a', city_id: 2, tenant_id: 3 })).toEqual([
        ['tenant_id', 'slug'],
        [3, 'a'],
      ])
      expect(keyOf({ tenant_id: 1, city_id: 2, stars: 3 })).toEqual([['city_id'], [2]])
      expect(keyOf({ slug: 'a', stars: 3 })).toEqual([['stars'], [3]])
    })

    it('is the value of a list of one', () => {
      const lookupOf = (values: unknown[]) => db('reviews').whereIn('city_id', values as number[])
      expect(instance.lookup(lookupOf([2])).key.values).toEqual([2])
      expect(instance.lookup(lookupOf([2])).group).toBe(
        instance.lookup(db('reviews').where('city_id', 3)).group,
      )
      for (const values of [[1, 2], [null]]) expect(instance.refusal(lookupOf(values))).toBe('NOT_BY_KEY')
    })

    it('is not a column whose values have several spellings', () => {
      expect(keyOf({ stars: 3, score: 4 })).toEqual([['stars'], [3]])
      expect(instance.refusal(db('reviews').where('score', 4))).toBe('UNSUPPORTED_COLUMN_TYPE')
    })

    it('is a string only in the canonical form of its column', () => {
      const reasonOf = (dialect: Dialect, where: object, withCatalog = true) => {
        const other = testInstance(dialect, {}, withCatalog)
        return other.refusal(other.db('reviews').where(where))
      }
      for (const dialect of ['sqlite', 'postgresql', 'mysql'] as const) {
        expect(['7', '-7', '0'].map((city_id) => reasonOf(dialect, { city_id }))).toEqual([
          undefined,
          undefined,
          undefined,
        ])
        for (const city_id of ['07', '+7', ' 7', '7.0', '-0', '1e3', ''])
          expect(reasonOf(dialect, { city_id })).toBe('NON_CANONICAL_KEY')
        expect(reasonOf(dialect, { slug: '07' })).toBeUndefined()
        expect(reasonOf(dialect, { slug: 'x'.repeat(1001) })).toBe('KEY_TOO_LONG')
        expect(reasonOf(dialect, { slug: 'a' }, false)).toBe('UNKNOWN_COLUMN')
      }
    })

    it('is a large integer only on PostgreSQL, whose driver keeps all digits', () => {
      for (const [dialect, city_id, reason] of [
        ['postgresql', '9007199254740993', undefined],
        ['postgresql', 9007199254740993n, undefined],
        ['mysql', '9007199254740993', 'NON_CANONICAL_KEY'],
        ['mysql', 9007199254740993n, 'UNSUPPORTED_KEY_TYPE'],
        ['sqlite', 9007199254740993n, 'UNSUPPORTED_KEY_TYPE'],
      ] as const) {
        const other = testInstance(dialect)
        expect(other.refusal(other.db('reviews').where({ city_id } as never))).toBe(reason)
      }
    })

    it('is a number for a string column only on PostgreSQL', () => {
      const reasons = (['postgresql', 'mysql', 'sqlite'] as const).map((dialect) => {
        const other = testInstance(dialect)
        return other.refusal(other.db('reviews').where('slug', 7))
      })
      expect(reasons).toEqual([undefined, 'UNSUPPORTED_KEY_TYPE', 'UNSUPPORTED_KEY_TYPE'])
    })

    it('is a small number for an unknown column, except on MySQL', () => {
      const reasons = (dialect: Dialect) => {
        const blind = testInstance(dialect, {}, false)
        return [7, -7, 2 ** 25, 7n].map((id) => blind.refusal(blind.db('reviews').where('id', id as number)))
      }
      const unknown = 'UNKNOWN_COLUMN'
      expect(reasons('postgresql')).toEqual([undefined, unknown, unknown, unknown])
      expect(reasons('sqlite')).toEqual([undefined, unknown, unknown, unknown])
      expect(reasons('mysql')).toEqual([unknown, unknown, unknown, unknown])
    })

    it('remains a key when its column has other conditions', () => {
      expect(instance.lookup(db('reviews').where('id', 1).where('id', '>', 0)).key.values).toEqual([1])
      expect(instance.lookup(db('reviews').where('city_id', 1).where('city_id', 2)).key.values).toEqual([2])
    })

    it('is never null, a boolean or a range', () => {
      expect(keyOf({ city_id: 2, deleted_at: null })).toEqual([['city_id'], [2]])
      expect(keyOf({ stars: 2, score: true })).toEqual([['stars'], [2]])
      expect(instance.refusal(db('reviews').where('city_id', '=', null as never))).toBe('NULL_KEY')
      expect(instance.refusal(db('reviews').where('city_id', true))).toBe('UNSUPPORTED_KEY_TYPE')
      expect(instance.refusal(db('reviews').where('city_id', '>', 1))).toBe('NOT_BY_KEY')
      expect(instance.refusal(db('reviews').whereNull('city_id').where('stars', '>', 1))).toBe('NOT_BY_KEY')
    })
  })

  it('has a separate batch group for each constant, key type, limit and transaction', () => {
    const remote = testInstance('postgresql')
    const pages = [
      remote.db('reviews').where('city_id', 1).orderBy('id').limit(1),
      remote.db('reviews').where('city_id', 1).orderBy('id').limit(2),
      remote.db('reviews').where('city_id', 1).orderBy('id').limit(2).offset(1),
    ]
    expect(new Set(pages.map((builder) => remote.lookup(builder).group)).size).toBe(pages.length)
    const forms = [
      db('reviews').where({ city_id: 1, stars: 1 }),
      db('reviews').where({ city_id: 1, stars: 2 }),
      db('reviews').where({ city_id: 1, stars: '2' }),
      db('reviews').where({ city_id: '1', stars: 2 }),
      db('reviews').where('city_id', 1).whereIn('stars', [1, 2]),
      db('reviews').where('city_id', 1).whereIn('stars', [1, 3]),
    ]
    expect(new Set(forms.map((builder) => instance.lookup(builder).group)).size).toBe(forms.length)
    expect(instance.lookup(db('reviews').where({ city_id: 7, stars: 1 })).group).toBe(
      instance.lookup(forms[0] as never).group,
    )
  })

  it('has a separate group for each query context, and a separate plan only if it affects names', () => {
    const inContext = (of: typeof instance, user: number) =>
      of.lookup(of.db('reviews').where('city_id', 1).queryContext({ user }) as never)
    expect(inContext(instance, 1).group).not.toBe(inContext(instance, 2).group)
    expect(inContext(instance, 1).target).toBe(inContext(instance, 2).target)
    const rewriting = testInstance('sqlite', {
      wrapIdentifier: (name, wrap, context: { user: number }) =>
        wrap(name === 'city_id' && context.user === 2 ? 'stars' : name),
    })
    expect(inContext(rewriting, 1).target?.columns).toEqual(['city_id'])
    expect(inContext(rewriting, 2).target?.columns).toEqual(['stars'])
    expect(
      instance.refusal(
        instance
          .db('reviews')
          .where('city_id', 1)
          .queryContext({ now: () => 1 }) as never,
      ),
    ).toBe('UNSUPPORTED_QUERY_CONTEXT')
  })

  it('limits the keys so that they and the constants fit into the bindings of a statement', () => {
    const many = testInstance('sqlite')
    Object.assign(many.context.host, { maxKeys: 5000 })
    expect(many.lookup(many.db('reviews').where('city_id', 1)).maxKeys).toBe(900)
    expect(many.lookup(many.db('reviews').where({ tenant_id: 1, slug: 'a' })).maxKeys).toBe(450)
    const values = Array.from({ length: 600 }, (_, at) => at)
    expect(
      many.lookup(many.db('reviews').where('city_id', 1).whereIn('stars', values)).maxKeys,
    ).toBeLessThanOrEqual(300)
    expect(
      many.refusal(
        many
          .db('reviews')
          .where('city_id', 1)
          .whereIn('stars', [...values, ...values]),
      ),
    ).toBe('TOO_MANY_VALUES')
  })

  it('limits a batch to 50 pages and 10,000 rows', () => {
    const { db: there, ...remote } = testInstance('postgresql')
    const most = (limit: number) =>
      remote.lookup(there('reviews').where('city_id', 1).orderBy('id').limit(limit)).maxKeys
    expect([1, 50, 500, 5000, 20_000].map(most)).toEqual([50, 50, 20, 2, 1])
  })

  it('refuses pages on SQLite, where single queries are cheaper than merged ones', () => {
    expect(instance.refusal(db('reviews').where('city_id', 1).orderBy('id').limit(2))).toBe('PAGE_ON_SQLITE')
    expect(instance.refusal(db('reviews').where('city_id', 1).orderBy('id').first())).toBe('PAGE_ON_SQLITE')
    expect(instance.refusal(db('reviews').where('id', 1).first())).toBeUndefined()
  })

  it('refuses constants that are not plain values', () => {
    for (const value of [db.raw('1'), () => 1, Symbol('x'), new Map()])
      expect(
        instance.refusal(
          db('reviews')
            .where('city_id', 1)
            .where('stars', '>', value as never),
        ),
      ).toBe('UNSUPPORTED_CONSTANTS')
  })

  describe('groups of conditions', () => {
    const plain = () => instance.lookup(db('reviews').where('city_id', 1).where('stars', '>', 3))

    it('are batched like their conditions if all are combined with AND', () => {
      const forms: ((of: Knex.QueryBuilder) => Knex.QueryBuilder)[] = [
        (of) => of.where((group) => group.where('city_id', 1).where('stars', '>', 3)),
        (of) => of.where('city_id', 1).andWhere((group) => void group.where('stars', '>', 3)),
        (of) =>
          of
            .where((outer) => outer.where((group) => group.where({ city_id: 1 })).where('stars', '>', 3))
            .where(() => {}),
        (of) =>
          of.where(function () {
            this.where('city_id', 1).where('stars', '>', 3)
          }),
      ]
      for (const form of forms) {
        const lookup = instance.lookup(form(db('reviews')))
        expect([lookup.group, lookup.key.values, lookup.target]).toEqual([plain().group, [1], plain().target])
      }
    })

    it('pass through if they are alternatives, negated, or more than conditions', () => {
      const by = () => db('reviews').where('city_id', 1)
      const reasonOf = (builder: Knex.QueryBuilder) => instance.refusal(builder)
      const refused = [
        by().orWhere((group) => group.where('stars', 3)),
        by().whereNot((group) => group.where('stars', 3)),
        by().where((group) => group.where('stars', 3).orWhere('stars', 4)),
        by().where((group) => group.where((inner) => inner.where('stars', 3).orWhere('stars', 4))),
        by().where((group) => group.orWhere('stars', 3)),
        by().where((group) => group.where('stars', 3).select('id')),
        by().where((group) => group.where('stars', 3).limit(1)),
        by().where((group) => group.whereRaw('1 = 1')),
        by().where(() => {
          throw new Error('refused by the app')
        }),
      ]
      expect(refused.map(reasonOf)).toEqual(refused.map(() => 'UNSUPPORTED_FILTER'))
      const endless = (group: Knex.QueryBuilder): void => void group.where(endless)
      expect(reasonOf(by().where(endless))).toBe('UNSUPPORTED_FILTER')
    })

    it('pass through if a query context may rename their columns', () => {
      const other = testInstance('sqlite', { wrapIdentifier: (name, wrap) => wrap(name) })
      const by = () => other.db('reviews').where((group) => group.where('city_id', 1))
      expect(other.refusal(by())).toBeUndefined()
      expect(other.refusal(by().queryContext({ tenant: 1 }))).toBe('UNSUPPORTED_FILTER')
    })

    it('are called again before the batch is sent', () => {
      let city = 1
      const lookup = instance.lookup(db('reviews').where((group) => group.where('city_id', city)))
      expect(lookup.isUnchanged?.()).toBe(true)
      city = 2
      expect(lookup.isUnchanged?.()).toBe(false)
    })
  })

  it('refuses clauses, filters and options that it does not support', () => {
    const by = () => db('reviews').where('city_id', 1)
    expect(instance.refusal(by().orWhere('stars', 1))).toBe('UNSUPPORTED_FILTER')
    expect(instance.refusal(by().where('stars', '@>', 1))).toBe('UNSUPPORTED_FILTER')
    expect(instance.refusal(by().whereJsonPath('slug', '$.a', '=', 1))).toBe('UNSUPPORTED_FILTER')
    expect(instance.refusal(by().having('stars', '>', 1))).toBe('UNSUPPORTED_CLAUSE:having')
    expect(instance.refusal(by().orderBy(db.raw('1') as never))).toBe('UNSUPPORTED_ORDER')
    expect(instance.refusal(by().orderBy('id', db.raw('desc') as never))).toBe('UNSUPPORTED_ORDER')
    expect(instance.refusal(by().forUpdate())).toBe('UNSUPPORTED_CLAUSE:lock')
    expect(instance.refusal(by().timeout(5))).toBe('BUILDER_WITH_OPTIONS')
    expect(instance.refusal(by().distinct('stars'))).toBe('UNSUPPORTED_COLUMNS')
    expect(instance.refusal(by().select(db.raw('1')))).toBe('UNSUPPORTED_COLUMNS')
    expect(instance.refusal(by().orderBy('id').offset(2))).toBe('UNSUPPORTED_LIMIT')
    const remote = testInstance('postgresql')
    const { db: there } = remote
    expect(remote.refusal(there('reviews').where('city_id', 1).orderBy('id').limit(2).select('xmin'))).toBe(
      'UNSUPPORTED_COLUMNS',
    )
  })
})
