import { createSluice, type Dialect } from '@sluice/core'
import { knexConnection, withSluice } from '@sluice/knex'
import knex from 'knex'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readFingerprint } from '../../packages/core/src/schema/schema-fingerprint.ts'
import { knexDatabases } from '../support/databases.ts'

const TABLES =
  'create table items (id int primary key, name varchar(50)); create table log (id int primary key, entry varchar(50))'
const ROWS = "insert into items values (1, 'a'), (2, 'b'); insert into log values (1, 'none'), (2, 'none')"

const triggers: Readonly<Record<Dialect, readonly string[]>> = {
  postgresql: [
    `create function on_item() returns trigger language plpgsql as $$ begin update log set entry = new.name where id = 1; return new; end $$`,
    'create trigger t after update on items for each row execute function on_item()',
  ],
  mysql: ['create trigger t after update on items for each row update log set entry = new.name where id = 1'],
  sqlite: ['create trigger t after update on items begin update log set entry = new.name where id = 1; end'],
}

/** Statements that change the schema, each of which must change the fingerprint, in this order. */
const definitions: Readonly<Record<Dialect, readonly string[]>> = {
  postgresql: [
    'create table t (id int primary key, name varchar(10), n int)',
    'alter table t rename column name to title',
    'alter table t alter column title type text',
    'alter table t alter column n set not null',
    'alter table t alter column n drop not null',
    'alter table t alter column n set default 1',
    'alter table t add unique (n)',
    'alter table t drop constraint t_n_key',
    'create unique index t_title on t (title)',
    'alter table t add constraint positive check (n > 0)',
    'alter table t enable row level security',
    'create policy p on t using (n > 1)',
    "create function f() returns int language sql as 'select 1'",
    "create or replace function f() returns int language sql as 'select 2'",
    'alter table t alter column n set default f()',
    'create function g() returns trigger language plpgsql as $$ begin return new; end $$',
    'create trigger tr before insert on t for each row execute function g()',
    'alter table t disable trigger tr',
    'create rule r as on delete to t do also notify x',
    'create domain d as int check (value > 0)',
    'alter domain d add constraint small check (value < 9)',
    "create type e as enum ('a', 'b')",
    "alter type e rename value 'b' to 'c'",
    'create function op(int, int) returns int language sql as $$ select $1 $$; create operator <!> (leftarg = int, rightarg = int, function = op)',
    'create cast (t as int) with inout as assignment',
    'create view v as select id from t',
    'create or replace view v as select id from t where id > 1',
    'create table c (p int references t on delete cascade)',
    'create table child () inherits (t)',
    'create schema s',
    'alter table c set schema s',
    'alter table t drop column n cascade',
    'drop table s.c',
  ],
  mysql: [
    'create table t (id int primary key, name varchar(10), n int)',
    'alter table t rename column name to title',
    'alter table t modify title text',
    'alter table t modify n int not null',
    'alter table t modify n bigint',
    'alter table t modify n bigint default 3',
    'alter table t add unique t_n (n)',
    'alter table t drop index t_n',
    'create trigger tr before insert on t for each row set new.n = 1',
    'alter table t add v int as (n + 1) virtual',
    'alter table t modify v int as (n + 2) virtual',
    'create view w as select id from t',
    'create or replace view w as select id from t where id > 1',
    'create table c (p int, constraint fk foreign key (p) references t (id) on delete cascade)',
    'alter table c drop foreign key fk; alter table c add constraint fk foreign key (p) references t (id) on delete set null',
    'rename table c to d',
    'drop table d',
    'alter table t engine = aria',
    'alter table t drop primary key',
  ],
  sqlite: [
    'create table t (id int primary key, name varchar(10))',
    'alter table t rename column name to title',
    'create trigger tr after insert on t begin select 1; end',
    'create unique index i on t (title)',
    'create view v as select id from t',
    'drop view v',
    'drop table t',
    // The first statement creates tables; the second may renumber rows.
    'analyze',
    'vacuum',
  ],
}

/** Statements that must not change the fingerprint. */
const maintenance: Readonly<Record<Dialect, readonly string[]>> = {
  postgresql: [
    "insert into items values (3, 'c')",
    "update items set name = 'd' where id = 3",
    'analyze items',
    'vacuum items',
    'vacuum (freeze, analyze) items',
    "comment on table items is 'x'",
    "create temp table tt (id serial primary key, a text unique check (a > ''))",
    'create temp view tv as select id from tt',
    'create index on tt (a)',
    'drop table tt cascade',
  ],
  mysql: [
    "insert into items values (3, 'c')",
    'analyze table items',
    'create temporary table tt (id int)',
    'drop temporary table tt',
  ],
  sqlite: ["insert into items values (3, 'c')", 'create temp table tt (id int)', 'drop table tt'],
}

describe.each(knexDatabases())('DDL by another process on $name', ({ dialect, connect, skipped }) => {
  async function open(schemaCheckMs?: number | false) {
    const database = await connect()
    onTestFinished(() => database.drop())
    await database.exec(`${TABLES}; ${ROWS}`)
    const sluice = createSluice({
      mode: 'optimize',
      cache: { ttl: 300 },
      ...(schemaCheckMs !== undefined && { schemaCheckMs }),
    })
    const errors: unknown[] = []
    sluice.on('error', (error) => errors.push(error))
    const db = withSluice(knex(database.knexConfig()), sluice)
    onTestFinished(async () => {
      await db.destroy()
      await sluice.close()
      expect(errors).toEqual([])
    })
    const log = () => db('log').select('id', 'entry').orderBy('id')
    const isCached = async () => {
      await log()
      const before = sluice.queries.getStats().cacheHits
      await log()
      return sluice.queries.getStats().cacheHits > before
    }
    await expect.poll(isCached).toBe(true)
    return { database, db, log, isCached }
  }

  it.skipIf(skipped !== undefined)('is detected within the configured time', async () => {
    const { database, db, log, isCached } = await open(50)
    for (const statement of triggers[dialect]) await database.exec(statement)
    await expect
      .poll(async () => {
        await log()
        const name = `renamed ${Math.random()}`
        await db('items').where('id', 1).update({ name })
        return (await log())[0]?.entry === name
      })
      .toBe(true)
    await expect.poll(isCached).toBe(true)
    await db('items').where('id', 1).update({ name: 'last' })
    expect((await log())[0]).toEqual({ id: 1, entry: 'last' })
  })

  it.skipIf(skipped !== undefined)(
    'invalidates the results that an undetected trigger left outdated',
    async () => {
      const { database, db, log } = await open(50)
      for (const statement of triggers[dialect]) await database.exec(statement)
      await db('items').where('id', 1).update({ name: 'unseen' })
      await expect.poll(async () => (await log())[0]).toEqual({ id: 1, entry: 'unseen' })
    },
  )

  it.skipIf(skipped !== undefined)('is not checked when the option is disabled', async () => {
    const { database, isCached } = await open(false)
    for (const statement of triggers[dialect]) await database.exec(statement)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(await isCached()).toBe(true)
  })

  it.skipIf(skipped !== undefined)(
    'changes the fingerprint, unlike maintenance and row changes',
    async () => {
      const database = await connect()
      onTestFinished(() => database.drop())
      await database.exec(`${TABLES}; ${ROWS}`)
      // As the app's user, which does not see the tables of other tests.
      const db = knex(database.knexConfig())
      onTestFinished(() => db.destroy())
      const fingerprint = () => readFingerprint(knexConnection(db))
      let before = await fingerprint()
      for (const statement of maintenance[dialect]) {
        await database.exec(statement)
        expect(await fingerprint(), statement).toBe(before)
      }
      for (const statement of definitions[dialect]) {
        await database.exec(statement)
        const after = await fingerprint()
        expect(after, statement).not.toBe(before)
        before = after
      }
    },
  )
})
