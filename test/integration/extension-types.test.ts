import { createSluice, type Sluice } from '@sluice/core'
import { sluicePool } from '@sluice/core/adapter'
import pg from 'pg'
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest'
import { onPostgres } from '../services/postgres.ts'
import { type Database, databases } from '../support/databases.ts'
import { SOON } from '../support/patience.ts'

const postgresql = databases().find(({ dialect }) => dialect === 'postgresql')
const { postgres } = inject('services')
const available = new Set(
  'url' in postgres
    ? (await onPostgres(postgres.url, 'SELECT name FROM pg_available_extensions')).map(({ name }) => name)
    : [],
)

const CONNECTIONS = `select 1 from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`

/** Tables without a column of the type: `items` is written, and the entries of `log` must stay valid. */
const TABLES = `
  create table items (id int primary key, name text); insert into items values (1, 'a'), (2, 'b');
  create table log (id int primary key, entry text); insert into log values (1, 'none');`

class World {
  private constructor(
    readonly database: Database,
    readonly sluice: Sluice,
    readonly pool: pg.Pool,
  ) {}

  static async open(setUp: string): Promise<World> {
    const database = await (postgresql as NonNullable<typeof postgresql>).connect()
    await database.exec(`${TABLES} ${setUp}`)
    const sluice = createSluice({ mode: 'optimize', cache: { ttl: 300 } })
    const errors: unknown[] = []
    sluice.on('error', (error) => errors.push(error))
    const pool = sluicePool(new pg.Pool({ connectionString: database.url, max: 4 }), sluice)
    onTestFinished(async () => {
      await sluice.close()
      await pool.end()
      // Dropping the database would end connections that are still closing.
      await vi.waitFor(async () => expect(await database.query(CONNECTIONS)).toEqual([]), SOON)
      await database.drop()
      expect(errors).toEqual([])
    })
    const world = new World(database, sluice, pool)
    await world.ready()
    return world
  }

  /** Waits until results are cached. */
  async ready(): Promise<void> {
    await expect.poll(() => this.isCached('select * from items')).toBe(true)
  }

  async read(sql: string, values: readonly unknown[] = []): Promise<unknown> {
    return (await this.pool.query(sql, [...values])).rows
  }

  /** Number of reads that were not cached because of their tables. */
  get refused(): number {
    return this.sluice.queries.getStats().passedThrough['cache:NO_BASE_TABLE'] ?? 0
  }

  get #hits(): number {
    return this.sluice.queries.getStats().cacheHits
  }

  /** Whether the second of two equal reads sends nothing and returns what the database does. */
  async isCached(sql: string): Promise<boolean> {
    await this.read(sql)
    return this.isStillCached(sql)
  }

  /** Whether a read that was cached before sends nothing and returns what the database does. */
  async isStillCached(sql: string): Promise<boolean> {
    const before = this.#hits
    const rows = await this.read(sql)
    expect(rows, sql).toEqual((await this.database.query(sql)) as unknown)
    return this.#hits > before
  }
}

interface TypeCase {
  readonly extension: string
  readonly type: string
  readonly values: readonly [string, string, string]
  /** Conditions and results with operators and functions of the extension. */
  readonly reads: readonly string[]
}

const cases: readonly TypeCase[] = [
  {
    extension: 'citext',
    type: 'citext',
    values: ['Ann', 'BOB', 'Zoe'],
    reads: [
      "select id from t where v = 'ANN'",
      "select id from t where v in ('ann', 'bob')",
      "select id from t where v like 'a%'",
      'select min(v), max(v) from t',
      'select v, count(*) from t group by v order by v',
    ],
  },
  {
    extension: 'hstore',
    type: 'hstore',
    values: ['a=>1,b=>2', 'a=>2', 'c=>3'],
    reads: [
      "select id, v -> 'a' as a from t order by id",
      "select id from t where v ? 'b'",
      "select id from t where v @> 'a=>2'",
      'select distinct v::text from t order by 1',
      'select id, to_json(v) as json from t order by id',
    ],
  },
  {
    extension: 'ltree',
    type: 'ltree',
    values: ['top.a', 'top.a.b', 'top.c'],
    reads: [
      "select id from t where v <@ 'top.a' order by id",
      "select id from t where v @> 'top.a.b' order by id",
      "select id from t where v ~ 'top.*' order by id",
      'select id, v from t order by v',
    ],
  },
  {
    extension: 'cube',
    type: 'cube',
    values: ['(1,2)', '(3,4)', '(5,6)'],
    reads: ["select id from t order by v <-> '(0,0)'::cube", 'select v from t group by v order by v'],
  },
  {
    extension: 'isn',
    type: 'isbn13',
    values: ['978-0-306-40615-7', '978-1-86197-876-9', '978-0-13-110362-7'],
    reads: ["select id from t where v = '9780306406157'", 'select distinct v from t order by v'],
  },
  {
    extension: 'seg',
    type: 'seg',
    values: ['1..2', '3..4', '5..6'],
    reads: ["select id from t where v && '1.5..3' order by id"],
  },
  {
    extension: 'vector',
    type: 'vector(2)',
    values: ['[1,2]', '[3,4]', '[5,6]'],
    reads: [
      "select id from t order by v <-> '[0,0]' limit 2",
      "select id, v <=> '[1,0]' as distance from t order by id",
      'select avg(v) from t',
    ],
  },
  {
    extension: 'postgis',
    type: 'geometry(Point, 4326)',
    values: ['SRID=4326;POINT(1 2)', 'SRID=4326;POINT(3 4)', 'SRID=4326;POINT(5 6)'],
    reads: [
      "select id from t order by v <-> 'SRID=4326;POINT(0 0)'::geometry",
      'select id, to_json(v) as json from t order by id',
    ],
  },
]

/** A function in PL/pgSQL that writes. */
const writer = (name: string, args: string, result: string, value: string) =>
  `create or replace function ${name}(${args}) returns ${result} language plpgsql as $$ begin update log set entry = '${name}' where id = 1; return ${value}; end $$;`

describe.skipIf(postgresql?.skipped !== undefined)('types of extensions', () => {
  const skippedFor = (extension: string) => !available.has(extension)

  describe.each(cases)('$type', ({ extension, type, values, reads }) => {
    it.skipIf(skippedFor(extension))('is cached, and a write invalidates only its table', async () => {
      const [first, second, third] = values
      const world = await World.open(`create extension ${extension} cascade;
        create table t (id int primary key, v ${type} default '${third}', w ${type}[]);
        insert into t values (1, '${first}', array['${first}']::${type}[]), (2, '${second}', null)`)
      const all = ['select * from t order by id', ...reads]
      for (const sql of all) expect(await world.isCached(sql), sql).toBe(true)
      expect(await world.isCached('select * from log')).toBe(true)

      await world.read('insert into t (id) values (3)')
      await world.read('update t set v = $1 where id = $2', [second, 1])
      await world.read(
        `update t set v = '${third}'::${type} where v is not distinct from '${second}'::${type} and id = 1`,
      )
      await world.read('delete from t where id = 2')
      for (const sql of all) expect(await world.isStillCached(sql), sql).toBe(false)
      expect(await world.isStillCached('select * from log')).toBe(true)
      expect(await world.read('select id from t order by id')).toEqual([{ id: 1 }, { id: 3 }])
    })
  })

  it.skipIf(skippedFor('citext'))('are cached in domains, arrays of them, and computed columns', async () => {
    const world =
      await World.open(`create extension citext; create domain mail as citext check (value like '%@%');
      create table t (id int primary key, v mail not null, list mail[], upper_case text generated always as (upper(v)) stored);
      create index on t (lower(v)); insert into t values (1, 'Ann@x', array['b@x']::mail[])`)
    expect(await world.isCached("select * from t where v = 'ANN@X'")).toBe(true)
    expect(await world.isCached('select * from log')).toBe(true)
    await world.read('insert into t (id, v) values ($1, $2)', [2, 'Bob@x'])
    expect(await world.isStillCached("select * from t where v = 'ANN@X'")).toBe(false)
    expect(await world.isStillCached('select * from log')).toBe(true)
  })

  it.skipIf(skippedFor('citext'))('never are a key of a batch', async () => {
    const world = await World.open(`create extension citext;
      create table t (id int primary key, v citext unique); insert into t values (1, 'Ann'), (2, 'Bob'), (3, 'Zoe')`)
    const found = await world.sluice.run(() =>
      Promise.all(
        ['ann', 'ANN', 'bob', 'BOB', 'none'].map((v) => world.read('select id, v from t where v = $1', [v])),
      ),
    )
    expect(found).toEqual([
      [{ id: 1, v: 'Ann' }],
      [{ id: 1, v: 'Ann' }],
      [{ id: 2, v: 'Bob' }],
      [{ id: 2, v: 'Bob' }],
      [],
    ])
    expect(world.sluice.queries.getStats().batches).toBe(0)
    await world.sluice.run(() =>
      Promise.all(['a', 'b'].map((name) => world.read('select id, name from items where name = $1', [name]))),
    )
    expect(world.sluice.queries.getStats().batches).toBe(1)
  })

  describe.skipIf(skippedFor('citext'))('with a function of a user', () => {
    const TYPED =
      "create extension citext; create table t (id int primary key, v citext); insert into t values (1, 'a'), (2, 'b');"

    it.each<[string, setUp: string, work: string]>([
      [
        'a cast',
        `${writer('f', 'citext', 'int', '1')} create cast (citext as int) with function f(citext) as assignment; create table n (x int);`,
        'insert into n select v from t',
      ],
      [
        'a replaced function of an operator class',
        writer('citext_cmp', 'citext, citext', 'int', 'case when $1::text < $2::text then -1 else 1 end'),
        'insert into items select 10 + row_number() over (order by v) from t',
      ],
      [
        'a replaced function of an operator',
        writer('citext_eq', 'citext, citext', 'bool', '$1::text = $2::text'),
        "update items set name = 'x' from t where t.id = items.id and v in ('a')",
      ],
      [
        'an operator whose function is replaced, in GROUP BY',
        `${writer('citext_eq', 'citext, citext', 'bool', '$1::text = $2::text')} insert into t values (3, 'b');`,
        'insert into items select 10 + count(*) from t group by v limit 1',
      ],
      [
        'an operator that shadows a built-in one',
        `${writer('f', 'int, int', 'bool', 'true')} create operator public.<> (leftarg = int, rightarg = int, function = f);
         do $$ begin execute format('alter database %I set search_path = public, pg_catalog', current_database()); end $$;`,
        'select id from items where id != 1',
      ],
      [
        'the operator of IN',
        `${writer('f', 'text, int', 'bool', 'true')} create operator = (leftarg = text, rightarg = int, function = f);`,
        'select id from items where name in (1)',
      ],
      [
        'an operator before a sign',
        `${writer('f', 'text, int', 'bool', 'true')} create operator < (leftarg = text, rightarg = int, function = f);`,
        'select name <-1 as x from items',
      ],
      [
        'the operator of BETWEEN',
        `${writer('f', 'text, int', 'bool', 'true')} create operator >= (leftarg = text, rightarg = int, function = f);
         create operator <= (leftarg = text, rightarg = int, function = f);`,
        'select id from items where name between 1 and 2',
      ],
    ])('counts as a write to every table: %s', async (_, setUp, work) => {
      const world = await World.open(`${TYPED} ${setUp}`)
      expect(await world.isCached('select * from log')).toBe(true)
      await world.read(work)
      expect(await world.database.query('select entry from log')).not.toEqual([{ entry: 'none' }])
      expect(await world.isStillCached('select * from log')).toBe(false)
    })

    it.each<[string, define: string]>([
      ['a cast', 'create cast (citext as int) with function f(citext) as assignment'],
      [
        'a function of an operator class',
        'alter operator family citext_ops using btree add function 1 (citext, int) g(citext, int)',
      ],
      [
        'an operator of an operator class',
        'alter operator family citext_ops using btree add operator 3 <!> (citext, int)',
      ],
      ['a function that leaves the extension', 'alter extension citext drop function citextrecv(internal)'],
    ])('is seen when another process adds it to the type: %s', async (_, define) => {
      const world = await World.open(`${TYPED}
        create function f(citext) returns int language sql stable as 'select count(*)::int from log';
        create function g(citext, int) returns int language sql stable as 'select count(*)::int from log';
        create function h(citext, int) returns bool language sql stable as 'select count(*) > 0 from log';
        create operator <!> (leftarg = citext, rightarg = int, function = h)`)
      expect(await world.isCached('select * from t')).toBe(true)
      await world.database.exec(define)
      await expect
        .poll(async () => {
          const before = world.refused
          await world.read('select * from t')
          return world.refused - before
        })
        .toBe(1)
    })

    it('is not cached while it reads other tables', async () => {
      const world = await World.open(`${TYPED}
        create function f(citext, int) returns bool language sql stable as 'select $2 = count(*) from log';
        create operator <!> (leftarg = citext, rightarg = int, function = f)`)
      expect(await world.isCached('select * from log')).toBe(true)
      expect(await world.isCached('select id from t where v <!> 1')).toBe(false)
      await world.read('update t set id = id + 10 where v <!> 1')
      expect(await world.isStillCached('select * from log')).toBe(true)
    })
  })

  it.skipIf(skippedFor('postgis'))(
    'invalidates everything after a write to a table that they may read',
    async () => {
      const world = await World.open(
        'create extension postgis; create table t (id int primary key, v geometry)',
      )
      expect(await world.isCached('select * from t')).toBe(true)
      await world.read("update spatial_ref_sys set auth_name = 'X' where srid = 3857")
      expect(await world.isStillCached('select * from t')).toBe(false)
    },
  )

  it.skipIf(skippedFor('tablefunc'))('invalidates everything after a call that runs SQL', async () => {
    const world = await World.open(`create extension tablefunc; ${writer('f', '', 'text', "'x'")}`)
    expect(await world.isCached('select * from log')).toBe(true)
    await world.read("select * from crosstab('select ''a''::text, ''b''::text, f()') as c (a text, b text)")
    expect(await world.isStillCached('select * from log')).toBe(false)
  })
})

describe.skipIf(postgresql?.skipped !== undefined || !available.has('pg_trgm'))('% with pg_trgm', () => {
  const setUp = `create extension pg_trgm;
    create table words (id int primary key, a text, n numeric); insert into words values (1, 'word', 7), (2, 'two words', 8)`

  it.each([
    "select id from words where a % 'word'",
    'select id from words where a % $$word$$ and id % 2 = 1',
    "select 'wor' % a as x from words",
    "select id from words where 'word' <% a",
    'select x % x as y from (select a as x from words) w',
    'select n % n as y from (select a as n from words) w',
    'select a % a as y from words',
  ])('is not cached with strings: %s', async (sql) => {
    const world = await World.open(setUp)
    expect(await world.isCached(sql)).toBe(false)
  })

  it.each([
    'select id from words where id % 2 = 1',
    'select id from words where (id + 1) % 2 = 1 order by id % 2',
    'select 7 % id as x from words order by id',
    'select n % 2 as x, n % id as y, words.n % words.id as z from words order by id',
  ])('is cached with numbers: %s', async (sql) => {
    const world = await World.open(setUp)
    expect(await world.isCached(sql)).toBe(true)
  })

  it('is not cached with numbers if a user-defined operator takes them', async () => {
    const world = await World.open(`${setUp};
      create function f(int, numeric) returns bigint language sql stable as 'select count(*) from log';
      create operator % (leftarg = int, rightarg = numeric, function = f)`)
    expect(await world.isCached('select id % n as x from words order by id')).toBe(false)
    expect(await world.isCached('select id % 2.0 as x from words order by id')).toBe(false)
  })

  it('leaves a write one to known tables', async () => {
    const world = await World.open(setUp)
    expect(await world.isCached('select * from log')).toBe(true)
    expect(await world.isCached('select * from words')).toBe(true)
    await world.read("update words set a = 'changed' where a % 'word'")
    expect(await world.isStillCached('select * from words')).toBe(false)
    expect(await world.isStillCached('select * from log')).toBe(true)
  })

  it('invalidates everything after a write with a user-defined operator of that name that writes', async () => {
    const world = await World.open(`${setUp}; ${writer('f', 'text, int', 'bool', 'true')}
      create operator % (leftarg = text, rightarg = int, function = f)`)
    expect(await world.isCached('select * from log')).toBe(true)
    await world.read("update words set a = 'changed' where a % 1")
    expect(await world.isStillCached('select * from log')).toBe(false)
  })
})
