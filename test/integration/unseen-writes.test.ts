import { randomUUID } from 'node:crypto'
import { createSluice, type Dialect, type Sluice } from '@sluice/core'
import { withSluice } from '@sluice/knex'
import knex, { type Knex } from 'knex'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Database, databases } from '../support/databases.ts'
import type { TestPrismaClient } from '../support/prisma-clients.ts'
import { openStack, seed } from '../support/stack.ts'

/** A table that the app reads and writes, and a table that only the database itself writes. */
const TABLES =
  'create table items (id int primary key, name varchar(50)); create table log (id int primary key, entry varchar(50))'
const ROWS = "insert into items values (1, 'a'), (2, 'b'); insert into log values (1, 'none'), (2, 'none')"

class World {
  private constructor(
    readonly database: Database,
    readonly sluice: Sluice,
    readonly db: Knex,
  ) {}

  static async open(
    { connect }: { connect(): Promise<Database> },
    setUp: string | readonly string[],
    options: (database: Database) => Knex.Config = () => ({}),
  ) {
    const database = await connect()
    await database.exec(`${TABLES}; ${ROWS}`)
    for (const script of [setUp].flat()) if (script !== '') await database.exec(script)
    const sluice = createSluice({ mode: 'optimize', cache: { ttl: 300 } })
    const errors: unknown[] = []
    sluice.on('error', (error) => errors.push(error))
    const db = withSluice(knex({ ...database.knexConfig(), ...options(database) }), sluice)
    onTestFinished(async () => {
      await db.destroy()
      await sluice.close()
      await database.drop()
      expect(errors).toEqual([])
    })
    const world = new World(database, sluice, db)
    await world.ready()
    return world
  }

  /** Waits until results are cached. */
  async ready(): Promise<void> {
    await expect.poll(() => this.isCached((db) => db('items').where('id', 2))).toBe(true)
  }

  /** Whether the second of two equal reads sends nothing. */
  async isCached(read: (db: Knex) => PromiseLike<unknown>): Promise<boolean> {
    await read(this.db)
    const before = this.sluice.queries.getStats().cacheHits
    await read(this.db)
    return this.sluice.queries.getStats().cacheHits > before
  }

  /** The rows of the log as the app reads them, and as stored. */
  async log(): Promise<readonly [app: unknown, database: unknown]> {
    return [
      await this.db('log').select('id', 'entry').orderBy('id'),
      await this.database.query('select id, entry from log order by id'),
    ]
  }

  /** Runs `work` after the log was cached; then the app must read the stored rows. */
  async sees(work: (db: Knex) => PromiseLike<unknown>): Promise<void> {
    const before = await this.log()
    expect(before[0]).toEqual(before[1])
    expect(await this.isCached((db) => db('log').select('id', 'entry').orderBy('id'))).toBe(true)
    await work(this.db)
    const [app, database] = await this.log()
    expect(database, 'the work writes the log').not.toEqual(before[1])
    expect(app).toEqual(database)
  }
}

const kind = (dialect: Dialect) => databases().find((one) => one.dialect === dialect) ?? databases()[0]
const [postgresql, mariadb, sqlite] = (['postgresql', 'mysql', 'sqlite'] as const).map(kind) as [
  ReturnType<typeof databases>[number],
  ReturnType<typeof databases>[number],
  ReturnType<typeof databases>[number],
]

const writer = (name: string, result = '1', args = '') =>
  `create function ${name}(${args}) returns int language plpgsql as $$ begin update log set entry = '${name}' where id = 1; return ${result}; end $$`
const definer = (name: string) =>
  `create function ${name}() returns int language plpgsql as $$ begin execute 'create trigger t after update on items for each row execute function on_item()'; return 1; end $$`
const ON_ITEM = `create function on_item() returns trigger language plpgsql as $$ begin update log set entry = 'trigger ' || new.name where id = 1; return new; end $$`
const TRIGGER = 'create trigger t after update on items for each row execute function on_item()'
const rename = (db: Knex) => db('items').where('id', 1).update({ name: 'renamed' })

describe.skipIf(postgresql.skipped !== undefined)('writes that PostgreSQL performs implicitly', () => {
  it.each<[string, setUp: string, work: (db: Knex) => PromiseLike<unknown>]>([
    [
      'a default',
      `${writer('f')}; create table t (id int, x int default f())`,
      (db) => db('t').insert({ id: 1 }),
    ],
    [
      'a default that calls a function which calls another',
      `${writer('f')}; create function g() returns int language sql as 'select f()'; create table t (id int, x int default g())`,
      (db) => db('t').insert({ id: 1 }),
    ],
    [
      'a check',
      `${writer('f', '$1', 'int')}; create table t (id int check (f(id) > 0))`,
      (db) => db('t').insert({ id: 1 }),
    ],
    [
      'the check of a domain',
      `${writer('f', '$1', 'int')}; create domain d as int check (f(value) > 0); create table t (id d)`,
      (db) => db('t').insert({ id: 1 }),
    ],
    [
      'the check of a domain in an array of a composite type',
      `${writer('f', '$1', 'int')}; create domain d as int check (f(value) > 0); create type c as (x d); create table t (id c[])`,
      (db) => db.raw('insert into t values (array[row(1)]::c[])'),
    ],
    [
      'an operator',
      `create function f(int, int) returns int language plpgsql as $$ begin update log set entry = 'op' where id = 1; return 1; end $$;
       create operator <!> (leftarg = int, rightarg = int, function = f)`,
      (db) => db('items').select(db.raw('id <!> 1')),
    ],
    [
      'a computed field',
      `create function f(items) returns int language plpgsql as $$ begin update log set entry = 'field' where id = 1; return 1; end $$`,
      (db) => db('items').select(db.raw('items.f')),
    ],
    ['a function', writer('f'), (db) => db.raw('select f()')],
    [
      'a cast',
      `${writer('f', '1', 'items')}; create cast (items as int) with function f(items) as assignment; create table t (x int)`,
      (db) => db.raw('insert into t select items from items limit 1'),
    ],
    [
      'a trigger whose function calls another',
      `${writer('f')}; create function g() returns trigger language plpgsql as $$ begin perform f(); return new; end $$;
       create trigger t after update on items for each row execute function g()`,
      rename,
    ],
    ['a view', `${writer('f')}; create view v as select id, f() from items`, (db) => db('v')],
    [
      'a view of a view whose operator calls it',
      `create function f(int, int) returns int language plpgsql as $$ begin update log set entry = 'op' where id = 1; return 1; end $$;
       create operator <!> (leftarg = int, rightarg = int, function = f);
       create view v as select id, id <!> 1 as x from items; create view w as select * from v`,
      (db) => db('w').where('id', 1),
    ],
    [
      'a view that casts to a domain',
      `${writer('f', '$1', 'int')}; create domain d as int check (f(value) > 0); create view v as select id::d from items`,
      (db) => db('v'),
    ],
    [
      'a function that reads a view',
      `${writer('f')}; create view v as select f() as x; create function g() returns int language sql stable as 'select x from v'`,
      (db) => db('items').select(db.raw('g()')),
    ],
    [
      'a function that casts to a domain',
      `${writer('f', '$1', 'int')}; create domain d as int check (f(value) > 0);
       create function g() returns int language sql as 'select 1::d::int'`,
      (db) => db('items').select(db.raw('g()')),
    ],
    [
      'an insert that selects from a view',
      `${writer('f')}; create view v as select f() as x`,
      (db) => db('items').insert(db('v').select(db.raw('x + 2'))),
    ],
    [
      'an aggregate',
      `create function f(int, int) returns int language plpgsql as $$ begin update log set entry = 'agg' where id = 1; return 1; end $$;
       create aggregate agg (int) (sfunc = f, stype = int, initcond = '0')`,
      (db) => db('items').select(db.raw('agg(id)')),
    ],
  ])('are seen by the next read: %s', async (_, setUp, work) => {
    const world = await World.open(postgresql, setUp)
    await world.sees(work)
  })

  it.each<[string, setUp: string, define: (db: Knex) => PromiseLike<unknown>]>([
    ['DDL', ON_ITEM, (db) => db.raw(TRIGGER)],
    ['a DO block', ON_ITEM, (db) => db.raw(`do $$ begin ${TRIGGER}; end $$`)],
    ['a function', `${ON_ITEM}; ${definer('f')}`, (db) => db.raw('select f()')],
    [
      'a function that calls one',
      `${ON_ITEM}; ${definer('f')}; create function g() returns int language sql as 'select f()'`,
      (db) => db.raw('select g()'),
    ],
    [
      'a default',
      `${ON_ITEM}; ${definer('f')}; create table t (id int, x int default f())`,
      (db) => db('t').insert({ id: 1 }),
    ],
    [
      'a procedure',
      `${ON_ITEM}; create procedure p() language plpgsql as $$ begin ${TRIGGER}; end $$`,
      (db) => db.raw('call p()'),
    ],
    [
      'several statements in one',
      ON_ITEM,
      (db) => db.raw(`set statement_timeout = 0; do $$ begin ${TRIGGER}; end $$`),
    ],
    [
      'a transaction',
      ON_ITEM,
      (db) =>
        db.transaction(async (transaction) => {
          await transaction.raw(TRIGGER)
          await db('items').where('id', 2)
          await transaction('items').where('id', 2).update({ name: 'x' })
        }),
    ],
    [
      'a trigger',
      `${ON_ITEM}; create function g() returns trigger language plpgsql as $$ begin execute '${TRIGGER}'; return new; end $$;
       create table t (id int); create trigger t after insert on t for each row execute function g()`,
      (db) => db('t').insert({ id: 1 }),
    ],
  ])('are seen after a schema change by %s', async (_, setUp, define) => {
    const world = await World.open(postgresql, setUp)
    await define(world.db)
    await world.ready()
    await world.sees(rename)
  })

  it('are seen after a transaction changed the schema while no catalog was known', async () => {
    const world = await World.open(
      postgresql,
      `${ON_ITEM}; ${definer('f')}; create table t (id int, x int default f())`,
    )
    const { db } = world
    await db.raw('create table other (id int)')
    const transaction = await db.transaction()
    await transaction('t').insert({ id: 1 })
    // The catalog is read meanwhile, as it is without the transaction.
    for (let turn = 0; turn < 60; turn++) await db('items').where('id', 2)
    await transaction.commit()
    await world.ready()
    await world.sees(rename)
  })

  it('are seen if a write waits for a schema change', async () => {
    const world = await World.open(postgresql, ON_ITEM)
    const { db } = world
    await world.sees(async () => {
      const transaction = await db.transaction()
      await transaction.raw(TRIGGER)
      const write = rename(db).then(() => {})
      // It waits for the lock by now, or follows later: the trigger fires either way.
      await expect.poll(async () => (await world.database.query(WAITING)).length).toBeGreaterThan(0)
      await transaction.commit()
      await write
    })
  })

  it('caches no result that depends on more than its tables', async () => {
    const world = await World.open(
      postgresql,
      `create function entry(items) returns text language sql stable as 'select max(entry) from log';
       create function latest() returns text language sql stable as 'select max(entry) from log';
       create function lower(int) returns text language sql stable as 'select max(entry) from log';
       create function plus(int, int) returns text language sql stable as 'select max(entry) from log';
       create operator <!> (leftarg = int, rightarg = int, function = plus);
       create type box_of as (n int);
       create function cast_box(box_of) returns int language sql stable as 'select count(*)::int from log';
       create cast (box_of as int) with function cast_box(box_of);
       create table boxes (v box_of, id int);
       insert into boxes values (row(1), 1);
       create function double(int) returns int language sql immutable as 'select $1 * 2'`,
    )
    const select = (sql: string) => (db: Knex) => db('items').select(db.raw(sql))
    for (const sql of [
      'items.entry',
      'latest()',
      'lower(id)',
      'id <!> 1',
      'row(1)::box_of::int',
      'ctid',
      'xmin',
      "name = 'now'",
      "e'\\x61' || name",
    ])
      expect(await world.isCached(select(sql)), sql).toBe(false)
    expect(await world.isCached((db) => db('boxes').select(db.raw('v::int')))).toBe(false)
    expect(await world.isCached((db) => db('items').where('name', '<', 'tomorrow'))).toBe(false)
    for (const sql of ['double(id)', 'left(name, 1)', 'upper(name)', 'to_hex(id)', 'id + 1', 'name'])
      expect(await world.isCached(select(sql)), sql).toBe(true)
  })

  it('are seen by the next read: a temporary view', async () => {
    const world = await World.open(postgresql, writer('f'), () => ({ pool: { min: 1, max: 1 } }))
    await world.db.raw('create temporary view v as select f() as x')
    await world.ready()
    await world.sees((db) => db('v'))
  })

  it.each(['secrets', 'v'])('are seen by the next read: the policy of a table, read as %s', async (name) => {
    const role = `reader_${randomUUID().replaceAll('-', '')}`
    const setUp = `${writer('f')}; create table secrets (id int); insert into secrets values (1); alter table secrets enable row level security;
      create policy p on secrets using (f() = 1); create view v with (security_invoker) as select * from secrets;
      create role ${role} login password 'reader'; grant all on all tables in schema public to ${role}`
    const world = await World.open(postgresql, setUp, ({ url }) => {
      const connection = Object.assign(new URL(url), { username: role, password: 'reader' })
      return { connection: connection.href }
    })
    onTestFinished(() => world.database.exec(`drop owned by ${role}; drop role ${role}`))
    await world.sees(async (db) => expect(await db(name)).toHaveLength(1))
  })

  it('caches nothing while a connection has different session settings, and sees where its writes go', async () => {
    const world = await World.open(
      postgresql,
      "create schema other; create table other.log (id int primary key, entry varchar(50)); insert into other.log values (1, 'other')",
      () => ({ pool: { min: 1, max: 1 } }),
    )
    const { db } = world
    const entry = async () => (await db('log').where('id', 1).first()).entry
    expect(await entry()).toBe('none')
    await db.raw('set search_path to other')
    expect(await entry()).toBe('other')
    expect(await world.isCached((db) => db('log').where('id', 1))).toBe(false)
    await db('log').where('id', 1).update({ entry: 'changed' })
    expect(await entry()).toBe('changed')
    await db.raw('reset search_path')
    expect(await entry()).toBe('none')
    await world.ready()
    await db.raw('set statement_timeout = 0')
    await world.ready()
  })

  it('are seen after VACUUM FULL moves rows', async () => {
    const world = await World.open(postgresql, '')
    await world.db.raw('vacuum full items')
    await world.ready()
  })
})

const WAITING = "select 1 from pg_locks where not granted and relation = 'items'::regclass"

describe.skipIf(mariadb.skipped !== undefined)('writes that MariaDB performs implicitly', () => {
  const trigger =
    "create trigger t after update on items for each row update log set entry = concat('trigger ', new.name) where id = 1"

  it.each<[string, setUp: readonly string[], define: (db: Knex) => PromiseLike<unknown>]>([
    ['DDL', [], (db) => db.raw(trigger)],
    ['EXECUTE IMMEDIATE', [], (db) => db.raw(`execute immediate "${trigger}"`)],
    ['a procedure', [`create procedure p() execute immediate "${trigger}"`], (db) => db.raw('call p()')],
  ])('are seen after a schema change by %s', async (_, setUp, define) => {
    const world = await World.open(mariadb, setUp)
    await define(world.db)
    await world.ready()
    await world.sees(rename)
  })

  it('are seen by the next read: a function', async () => {
    const world = await World.open(mariadb, [
      "create function f() returns int modifies sql data begin update log set entry = 'f' where id = 1; return 1; end",
    ])
    await world.sees((db) => db.raw('select f()'))
  })

  it.each([
    ['a view', 'create view v as select id, f() as x from items'],
    ['a view of a view', 'create view u as select f() as x; create view v as select x from u'],
  ])('are seen by the next read: %s', async (_, views) => {
    const world = await World.open(mariadb, [
      "create function f() returns int modifies sql data begin update log set entry = 'f' where id = 1; return 1; end",
      ...views.split('; '),
    ])
    await world.sees((db) => db('v'))
  })

  it('caches no column that is computed on read, unless its tables and arguments determine it', async () => {
    const world = await World.open(mariadb, [
      'create table clocks (id int primary key, age int as (timestampdiff(microsecond, "2020-01-01", sysdate(6))) virtual)',
      'create table sums (id int primary key, twice int as (id * 2) virtual, upper_name varchar(9) as (upper("a")) virtual)',
      'insert into clocks (id) values (1)',
      'insert into sums (id) values (1)',
    ])
    expect(await world.isCached((db) => db('clocks').where('id', 1))).toBe(false)
    expect(await world.isCached((db) => db('sums').where('id', 1))).toBe(true)
  })

  it('caches nothing while a connection uses another database', async () => {
    const world = await World.open(mariadb, '', () => ({ pool: { min: 1, max: 1 } }))
    const { db } = world
    const [{ name } = { name: '' }] = (await world.database.query('select database() as name')) as {
      name: string
    }[]
    const entry = async () => (await db('log').where('id', 1).first()).entry
    expect(await entry()).toBe('none')
    await world.database.exec(`create database ${name}_2`)
    onTestFinished(() => {})
    try {
      await world.database.exec(
        `create table ${name}_2.log (id int primary key, entry varchar(50)); insert into ${name}_2.log values (1, 'other')`,
      )
      await db.raw(`use ${name}_2`)
      expect(await entry()).toBe('other')
      await db('log').where('id', 1).update({ entry: 'changed' })
      expect(await entry()).toBe('changed')
    } finally {
      await world.database.exec(`drop database ${name}_2`)
    }
  })
})

describe('writes that SQLite performs implicitly', () => {
  it('are seen after a schema change', async () => {
    const world = await World.open(sqlite, '')
    await world.db.raw(
      "create trigger t after update on items begin update log set entry = 'trigger ' || new.name where id = 1; end",
    )
    await world.ready()
    await world.sees(rename)
  })

  it('are seen after VACUUM, which may renumber rows', async () => {
    const world = await World.open(
      sqlite,
      "create table bare (name text); insert into bare values ('a'), ('b'); delete from bare where name = 'a'",
    )
    const read = (db: Knex) => db('bare').select(db.raw('rowid'), 'name')
    await world.isCached(read)
    await world.db.raw('vacuum')
    expect(await read(world.db)).toEqual(await world.database.query('select rowid, name from bare'))
  })
})

describe.skipIf(postgresql.skipped !== undefined)(
  'writes that PostgreSQL performs implicitly for Prisma',
  () => {
    const open = async () => {
      const stack = await openStack('postgresql')
      onTestFinished(() => stack.close())
      await seed(stack.bare)
      await stack.ready()
      const name = async () => (await stack.prisma.author.findMany({ where: { id: 1 } }))[0]?.name
      const isCached = async () => {
        await name()
        stack.taken()
        await name()
        return stack.taken().length === 0
      }
      await expect.poll(isCached).toBe(true)
      return { ...stack, name, isCached }
    }
    const writer = (body: string) =>
      `create function f() returns int language plpgsql as $$ begin ${body}; return 1; end $$`
    const setName = "update authors set full_name = 'by a function' where id = 1"

    it('are seen by the next read: a default that was added meanwhile', async () => {
      const { prisma, name, isCached } = await open()
      await prisma.$executeRawUnsafe(writer(setName))
      await prisma.$executeRawUnsafe('alter table posts add column extra int default f()')
      await prisma.author.update({ where: { id: 1 }, data: { name: 'before' } })
      await expect.poll(isCached).toBe(true)
      expect(await name()).toBe('before')
      await prisma.post.create({ data: { id: 900, slug: 'new', title: 'new', authorId: 2 } })
      expect(await name()).toBe('by a function')
    })

    it('are seen after a function changed the schema', async () => {
      const { prisma, name, isCached } = await open()
      await prisma.$executeRawUnsafe(
        `create function on_post() returns trigger language plpgsql as $$ begin ${setName}; return new; end $$`,
      )
      await prisma.$executeRawUnsafe(
        writer("execute 'create trigger t after update on posts for each row execute function on_post()'"),
      )
      await prisma.$queryRawUnsafe('select f()')
      await expect.poll(isCached).toBe(true)
      await prisma.post.update({ where: { id: 1 }, data: { title: 'changed' } })
      expect(await name()).toBe('by a function')
    })

    it.each<[string, define: (prisma: TestPrismaClient, sql: string) => PromiseLike<unknown>]>([
      ['DDL', (prisma, sql) => prisma.$executeRawUnsafe(sql)],
      [
        'a transaction',
        (prisma, sql) => prisma.$transaction((transaction) => transaction.$executeRawUnsafe(sql)),
      ],
      ['a batch', (prisma, sql) => prisma.$transaction([prisma.$executeRawUnsafe(sql)])],
      ['a DO block', (prisma, sql) => prisma.$executeRawUnsafe(`do $$ begin ${sql}; end $$`)],
    ])('are seen after a schema change by %s without sluiceAdapter', async (_, define) => {
      const stack = await openStack('postgresql', { adapter: false })
      onTestFinished(() => stack.close())
      await seed(stack.bare)
      await stack.ready()
      const { db, prisma, bare } = stack
      await bare.$executeRawUnsafe(
        `create function on_post() returns trigger language plpgsql as $$ begin ${setName}; return new; end $$`,
      )
      await define(prisma, 'create trigger t after update on posts for each row execute function on_post()')
      await stack.ready()
      const name = async () => (await db('authors').where('id', 1).first()).full_name
      await name()
      await db('posts').where('id', 1).update({ title: 'changed' })
      expect(await name()).toBe('by a function')
    })

    it.each<[string, read: (prisma: TestPrismaClient) => PromiseLike<unknown>]>([
      ['a model', (prisma) => prisma.post.findMany()],
      ['an include', (prisma) => prisma.author.findMany({ include: { posts: true } })],
      ['a raw query', (prisma) => prisma.$queryRawUnsafe('select * from posts')],
      [
        'a raw query with an operator',
        (prisma) => prisma.$queryRawUnsafe('select id <!> 1 as x from authors'),
      ],
    ])('are seen by the next read: a view, read by %s', async (_, read) => {
      for (const adapter of [true, false]) {
        const stack = await openStack('postgresql', { adapter })
        onTestFinished(() => stack.close())
        await seed(stack.bare)
        const { db, prisma, bare } = stack
        for (const sql of [
          `create function f(int, int) returns int language plpgsql as $$ begin ${setName}; return 1; end $$`,
          'create operator <!> (leftarg = int, rightarg = int, function = f)',
          'alter table posts rename to stored_posts',
          'create view posts as select *, f(1, 1) as called from stored_posts where f(1, 1) > 0',
        ])
          await bare.$executeRawUnsafe(sql)
        await stack.ready()
        const name = async () => (await db('authors').where('id', 1).first()).full_name
        await name()
        await read(prisma)
        expect(await name(), `sluiceAdapter: ${adapter}`).toBe('by a function')
      }
    })

    it('caches nothing after a statement changed the session of a connection', async () => {
      const { prisma, isCached } = await open()
      await prisma.$executeRawUnsafe("set time zone 'Asia/Tokyo'")
      expect(await isCached()).toBe(false)
    })
  },
)
