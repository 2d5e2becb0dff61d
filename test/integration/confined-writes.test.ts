import { createSluice, type Sluice } from '@sluice/core'
import { withSluice } from '@sluice/knex'
import knex, { type Knex } from 'knex'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Database, type DatabaseKind, databases } from '../support/databases.ts'

const [sqlite, postgresql, mariadb] = databases() as [DatabaseKind, DatabaseKind, DatabaseKind]

const TABLES = 'create table other (id int primary key, v int); insert into other values (1, 1), (2, 2)'

/** A database with a table `other`, and an app that caches its reads. */
class World {
  private constructor(
    readonly database: Database,
    readonly sluice: Sluice,
    readonly db: Knex,
  ) {}

  static async open({ connect }: DatabaseKind, ...setUp: readonly string[]): Promise<World> {
    const database = await connect()
    for (const script of [TABLES, ...setUp]) await database.exec(script)
    const sluice = createSluice({ mode: 'optimize', cache: { ttl: 300 } })
    const errors: unknown[] = []
    sluice.on('error', (error) => errors.push(error))
    const db = withSluice(knex(database.knexConfig()), sluice)
    onTestFinished(async () => {
      await db.destroy()
      await sluice.close()
      await database.drop()
      expect(errors).toEqual([])
    })
    const world = new World(database, sluice, db)
    await expect.poll(() => world.isCached((knex) => knex('other').where('id', 2))).toBe(true)
    return world
  }

  /** Whether the second of two equal reads sends nothing. */
  async isCached(read: (db: Knex) => PromiseLike<unknown>): Promise<boolean> {
    await read(this.db)
    return this.isHit(read)
  }

  async isHit(read: (db: Knex) => PromiseLike<unknown>): Promise<boolean> {
    const before = this.sluice.queries.getStats().cacheHits
    await read(this.db)
    return this.sluice.queries.getStats().cacheHits > before
  }

  /** Whether cached rows of `other` are served after `work`. */
  async keepsOther(work: (db: Knex) => PromiseLike<unknown>): Promise<boolean> {
    const read = (db: Knex) => db('other').where('id', 1)
    expect(await this.isCached(read)).toBe(true)
    await work(this.db)
    return this.isHit(read)
  }
}

const CITIES =
  "create table cities (id int primary key, name varchar(50), slug varchar(50), updated_at timestamp null); insert into cities (id, name) values (1, 'a'), (2, 'b')"
const renamed = (db: Knex) => db('cities').where('id', 1).update({ name: 'renamed' })

/** The results that stay cached: those of other rows, only those of other tables, or none. */
type Cached = 'row' | 'table' | 'nothing'

async function cachedAfter(world: World, write: (db: Knex) => PromiseLike<unknown>): Promise<Cached> {
  const row = (db: Knex) => db('cities').where('id', 2)
  await world.isCached(row)
  const written = () => world.db('cities').where('id', 1)
  await written()
  const keepsOther = await world.keepsOther(write)
  const keepsRow = await world.isHit(row)
  expect(await written()).toEqual(await world.database.query('select * from cities where id = 1'))
  expect(keepsRow && !keepsOther).toBe(false)
  return keepsRow ? 'row' : keepsOther ? 'table' : 'nothing'
}

const plpgsql = (body: string, when = 'before insert or update', each = 'row') =>
  `create function fire() returns trigger language plpgsql as $$ ${body} $$;
   create trigger fired ${when} on cities for each ${each} execute function fire()`

describe.skipIf(postgresql.skipped !== undefined)('a table with triggers on PostgreSQL', () => {
  it.each<[string, Cached, ...string[]]>([
    ['a time', 'row', plpgsql('begin new.updated_at := now(); return new; end')],
    [
      'a computed value',
      'row',
      plpgsql("begin new.slug = lower(replace(new.name, ' ', '-')); return new; end"),
    ],
    [
      'a validation',
      'row',
      plpgsql(
        "begin if new.id < 0 or exists (select 1 from other where id = -new.id) then raise exception 'no'; end if; return new; end",
      ),
    ],
    [
      'a notification',
      'row',
      plpgsql(
        "begin perform pg_notify('c', new.id::text); return null; end",
        'after insert or update or delete',
      ),
    ],
    [
      'a notification by statement',
      'row',
      plpgsql("begin perform pg_notify('c', tg_table_name); return null; end", 'after update', 'statement'),
    ],
    ['a new key of a new row', 'row', plpgsql('begin new.id := 7; return new; end', 'before insert')],
    [
      'a search vector',
      'row',
      "alter table cities add column words tsvector; create trigger fired before update on cities for each row execute function tsvector_update_trigger(words, 'pg_catalog.english', name)",
    ],
    [
      'no redundant updates',
      'row',
      'create trigger fired before update on cities for each row execute function suppress_redundant_updates_trigger()',
    ],
    [
      'a condition',
      'row',
      `create function is_open(int) returns boolean language sql stable as 'select $1 > 0'; ${plpgsql('begin return new; end').replace('for each row', 'for each row when (is_open(new.id))')}`,
    ],
    [
      'a setting of the app',
      'row',
      plpgsql("begin perform set_config('app.last', new.id::text, true); return new; end"),
    ],
    ['a key', 'table', plpgsql("begin if new.name = 'never' then new.id := 1; end if; return new; end")],
    [
      'any column',
      'table',
      plpgsql('begin new := jsonb_populate_record(new, jsonb_build_object()); return new; end'),
    ],
    ['another table', 'nothing', plpgsql('begin update other set v = v + 1; return new; end')],
    [
      'another table, in a function',
      'nothing',
      `create function poke() returns int language sql as 'update other set v = v + 1 returning 1'; ${plpgsql('begin perform poke(); return new; end')}`,
    ],
    [
      'another table, in its condition',
      'nothing',
      `create function poke() returns boolean language plpgsql as $$ begin update other set v = v + 1; return true; end $$; ${plpgsql('begin return new; end').replace('for each row', 'for each row when (poke())')}`,
    ],
    ['dynamic SQL', 'nothing', plpgsql("begin execute 'update other set v = v + 1'; return new; end")],
    [
      'the search path',
      'nothing',
      plpgsql("begin perform set_config('search_path', 'public', true); return new; end"),
    ],
    ['the search path, by SET', 'nothing', plpgsql('begin set local search_path to public; return new; end')],
    ['a rule', 'nothing', 'create rule also as on update to cities do also update other set v = v + 1'],
  ])('sets %s: its write preserves the results of every other %s', async (_, cached, ...setUp) => {
    const world = await World.open(postgresql, CITIES, ...setUp)
    expect(await cachedAfter(world, renamed)).toBe(cached)
  })

  it('cascades if a trigger sets a referenced column', async () => {
    const world = await World.open(
      postgresql,
      CITIES,
      `alter table cities add unique (slug); update cities set slug = name;
       create table streets (id int primary key, city varchar(50) references cities (slug) on update cascade); insert into streets values (1, 'a')`,
      plpgsql('begin new.slug := new.name; return new; end'),
    )
    const streets = (db: Knex) => db('streets').where('id', 1).first()
    expect(await world.isCached(streets)).toBe(true)
    await renamed(world.db)
    expect(await streets(world.db)).toEqual({ id: 1, city: 'renamed' })
    expect(await world.keepsOther(renamed)).toBe(true)
  })

  it('writes its row if a function of the extension moddatetime sets a time', async (context) => {
    const world = await World.open(postgresql, CITIES)
    try {
      await world.database.exec('create extension moddatetime')
    } catch {
      context.skip('The extension moddatetime is not installed.')
    }
    await world.database.exec(
      'create trigger fired before update on cities for each row execute function moddatetime(updated_at)',
    )
    await expect.poll(() => world.isCached((db) => db('other').where('id', 2))).toBe(true)
    expect(await cachedAfter(world, renamed)).toBe('row')
  })
})

describe.skipIf(mariadb.skipped !== undefined)('a table with triggers on MariaDB', () => {
  const trigger = (body: string, when = 'before update') =>
    `create trigger fired ${when} on cities for each row ${body}`
  it.each<[string, Cached, ...string[]]>([
    ['a time', 'row', trigger('set new.updated_at = now()')],
    [
      'a computed value',
      'row',
      trigger('begin if new.name <> old.name then set new.slug = lower(new.name); end if; end'),
    ],
    [
      'a validation',
      'row',
      trigger(
        "begin declare n int; select count(*) into n from other where id = -new.id; if n > 0 then signal sqlstate '45000' set message_text = 'no'; end if; end",
      ),
    ],
    ['a new key of a new row', 'row', trigger('set new.id = 7', 'before insert')],
    ['nothing', 'row', trigger('set @last = new.id', 'after update')],
    ['a key', 'table', trigger("begin if new.name = 'never' then set new.id = 1; end if; end")],
    ['another table', 'nothing', trigger('update other set v = v + 1')],
    [
      'another table, in a function',
      'nothing',
      'create function poke() returns int modifies sql data begin update other set v = v + 1; return 1; end',
      trigger('set new.slug = poke()'),
    ],
  ])('sets %s: its write preserves the results of every other %s', async (_, cached, ...setUp) => {
    const world = await World.open(mariadb, CITIES, ...setUp)
    expect(await cachedAfter(world, renamed)).toBe(cached)
  })
})

describe('a table with triggers on SQLite', () => {
  const trigger = (body: string, when = 'after update') =>
    `create trigger fired ${when} on cities begin ${body}; end`
  it.each<[string, Cached, ...string[]]>([
    ['a time', 'row', trigger('update cities set updated_at = current_timestamp where id = new.id')],
    [
      'a time by rowid',
      'row',
      trigger(
        'update cities set updated_at = current_timestamp where rowid = new.rowid',
        'after update of name',
      ),
    ],
    ['a validation', 'row', trigger("select raise(abort, 'no') where new.id < 0", 'before update')],
    ['other rows', 'table', trigger('update cities set slug = new.name')],
    ['a key', 'table', trigger("update cities set id = 1 where id = new.id and name = 'never'")],
    ['another table', 'nothing', trigger('update other set v = v + 1')],
    ['a log', 'nothing', 'create table log (id int)', trigger('insert into log values (new.id)')],
  ])('sets %s: its write preserves the results of every other %s', async (_, cached, ...setUp) => {
    const world = await World.open(sqlite, CITIES, ...setUp)
    expect(await cachedAfter(world, renamed)).toBe(cached)
  })

  it('has a whole table written by an insert whose trigger sets other rows', async () => {
    const world = await World.open(
      sqlite,
      CITIES,
      trigger('update cities set slug = new.name', 'after insert'),
    )
    const row = (db: Knex) => db('cities').where('id', 2).first()
    expect(await world.isCached(row)).toBe(true)
    expect(await world.keepsOther((db) => db('cities').insert({ id: 3, name: 'c' }))).toBe(true)
    expect(await row(world.db)).toMatchObject({ slug: 'c' })
  })
})

describe.skipIf(postgresql.skipped !== undefined)('results of other tables on PostgreSQL', () => {
  it.each([
    "set statement_timeout = '5s'",
    "set session application_name = 'worker'",
    'reset statement_timeout',
  ])('are served after %s', async (sql) => {
    const world = await World.open(postgresql)
    expect(await world.keepsOther((db) => db.raw(sql))).toBe(true)
  })

  it('are served after a transaction with a local setting', async () => {
    const world = await World.open(postgresql)
    const work = (sql: string) => (db: Knex) =>
      db.transaction(async (transaction) => {
        await transaction.raw(sql)
        await transaction('other').where('id', 2).update({ v: 7 })
      })
    expect(await world.keepsOther(work("set local lock_timeout = '5s'"))).toBe(true)
    expect(await world.keepsOther(work('set local search_path = public'))).toBe(false)
  })
})

describe.skipIf(mariadb.skipped !== undefined)('results of other tables on MariaDB', () => {
  it('are served after a setting without influence gets a literal, and not if it calls a function', async () => {
    const world = await World.open(mariadb, 'create function f() returns int deterministic return 5')
    expect(await world.keepsOther((db) => db.raw('set session max_statement_time = 5'))).toBe(true)
    expect(await world.keepsOther((db) => db.raw('set session max_statement_time = f()'))).toBe(false)
  })
})

describe('results of other tables on SQLite', () => {
  it('are served after a checkpoint', async () => {
    const world = await World.open(sqlite)
    expect(await world.keepsOther((db) => db.raw('pragma wal_checkpoint(truncate)'))).toBe(true)
  })
})
