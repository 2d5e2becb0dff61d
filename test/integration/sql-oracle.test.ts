import Database from 'better-sqlite3'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readStatement } from '../../packages/core/src/sql/statement.ts'

const TABLES = ['a', 'b', 'c', 'order', 'Mixed', 'we ird', 'q"t', 'from'] as const
const VIEWS: Readonly<Record<string, readonly string[]>> = { v1: ['a', 'b'], v2: ['c', 'a', 'b'] }
const KEYWORDS: readonly string[] = ['order', 'from']

function quote(name: string): string {
  return /^[a-z_]\w*$/.test(name) && !KEYWORDS.includes(name) ? name : `"${name.replaceAll('"', '""')}"`
}

/** A random statement over the tables above, all of which have the columns id, x and y. */
class StatementBuilder {
  /** The tables and views that the statement reads by name. */
  readonly reads = new Set<string>()
  readonly writes = new Set<string>()
  readonly #hidden: string[] = []
  #aliases = 0

  constructor(readonly gen: fc.GeneratorValue) {}

  statement(): string {
    if (this.#chance(60)) return this.#query([], 3)
    const target = this.#pick(TABLES)
    this.writes.add(target)
    const cte = this.#chance(30) ? `with cte1(id, x, y) as (${this.#query([], 1)})${this.#gap()}` : ''
    const scope = cte === '' ? [] : ['cte1']
    return cte + this.#pick([this.#insert, this.#update, this.#delete]).call(this, target, scope)
  }

  #insert(target: string, scope: readonly string[]): string {
    const rows = `(id)${this.#gap()}select id from (${this.#query(scope, 2)}) zz where true`
    if (this.#chance(30)) return `replace into ${quote(target)} ${rows}`
    let conflict = ''
    if (this.#chance(50)) {
      conflict = ' on conflict (id) do update set x = excluded.x, y = 1'
      if (this.#chance(50)) conflict += ` where x in (select id from ${this.#source(scope, 0).text})`
    }
    return `insert into ${quote(target)} ${rows}${conflict}${this.#chance(30) ? ' returning id, x' : ''}`
  }

  #update(target: string, scope: readonly string[]): string {
    this.reads.add(target)
    const set = `x = (select count(*) from ${this.#source(scope, 1).text}), y = ${this.#string()}`
    const from = this.#chance(50) ? `${this.#gap()}from ${this.#source(scope, 1).text}` : ''
    return `update ${this.#pick(['', 'or replace '])}${quote(target)}${this.#pick(['', ' as tgt'])} set ${set}${from}`
  }

  #delete(target: string, scope: readonly string[]): string {
    this.reads.add(target)
    return `delete from ${quote(target)}${this.#gap()}where id in (${this.#query(scope, 2, true)})`
  }

  #query(scope: readonly string[], depth: number, single = false): string {
    let inner = scope
    let head = ''
    if (depth > 0 && this.#chance(25)) {
      const name = this.#pick(['cte1', 'cte2', 'v1', 'c'])
      // In SQLite a body can refer to its own name: a table with that name must be qualified there.
      this.#hidden.push(name)
      const body = this.#query(
        scope.filter((known) => known !== name),
        0,
      )
      this.#hidden.pop()
      head = `with ${this.#pick(['', 'recursive '])}${name}(id, x, y) as (${body})${this.#gap()}`
      inner = [...scope, name]
    }
    return head + this.#select(inner, depth, single)
  }

  #select(scope: readonly string[], depth: number, single: boolean): string {
    const first = this.#source(scope, depth)
    let from = first.text
    let { alias } = first
    while (this.#chance(35)) {
      const next = this.#source(scope, depth)
      const join = this.#pick(['join', 'LEFT JOIN', 'inner join', 'cross join'])
      const on = this.#chance(50) ? `coalesce(${next.alias}.id, 1) = 2` : `${next.alias}.id = ${alias}.id`
      from += this.#chance(40)
        ? `${this.#gap()},${this.#gap()}${next.text}`
        : `${this.#gap()}${join} ${next.text} on ${on}`
      alias = next.alias
    }
    const columns = single
      ? `${alias}.id`
      : `${alias}.id as id, ${this.#expression(scope, alias, depth)} as x, ${this.#string()} as y`
    let sql = `select ${columns}${this.#gap()}from ${from}`
    if (this.#chance(60))
      sql += `${this.#gap()}where ${this.#condition(scope, alias, depth)} and ${this.#condition(scope, alias, depth)}`
    if (depth > 0 && !single && this.#chance(15))
      sql += ` union all select id, x, y from ${this.#source(scope, 0).text}`
    return sql
  }

  #source(scope: readonly string[], depth: number): { readonly text: string; readonly alias: string } {
    this.#aliases++
    const alias = `t${this.#aliases}`
    const as = this.#pick([' as ', ' '])
    if (depth > 0 && this.#chance(20))
      return { text: `(${this.#query(scope, depth - 1)})${as}${alias}`, alias }
    if (depth > 0 && this.#chance(15)) {
      const left = this.#source(scope, depth - 1)
      const right = this.#source(scope, depth - 1)
      return {
        text: `(${left.text} ${this.#pick(['join', 'left join'])} ${right.text} on ${left.alias}.id = ${right.alias}.id)`,
        alias: left.alias,
      }
    }
    if (scope.length > 0 && this.#chance(40)) return { text: `${this.#pick(scope)}${as}${alias}`, alias }
    const name = this.#pick([...TABLES, 'v1', 'v2'])
    this.reads.add(name)
    // A qualified name is never the one of a common table expression.
    const qualified = scope.includes(name) || this.#hidden.includes(name) || this.#chance(25)
    return { text: `${qualified ? 'main.' : ''}${quote(name)}${as}${alias}`, alias }
  }

  #expression(scope: readonly string[], alias: string, depth: number): string {
    if (depth > 0 && this.#chance(20))
      return `(select max(id)${this.#gap()}from ${this.#source(scope, depth - 1).text})`
    return this.#pick([
      `case when ${alias}.id > 1 then ${this.#string()} else ${this.#string()} end`,
      `count(*) over (partition by ${alias}.id order by ${alias}.id)`,
      "substr('from b', 2)",
      `${alias}.id`,
    ])
  }

  #condition(scope: readonly string[], alias: string, depth: number): string {
    if (depth > 0 && this.#chance(25)) return `${alias}.id in (${this.#query(scope, depth - 1, true)})`
    if (depth > 0 && this.#chance(20)) {
      const source = this.#source(scope, depth - 1)
      return `${this.#pick(['', 'not '])}exists (select 1 from ${source.text} where ${source.alias}.id = ${alias}.id)`
    }
    if (this.#chance(10) && !scope.includes('ids')) {
      this.reads.add('ids')
      return `${alias}.id ${this.#pick(['in', 'not in'])} ${this.#pick(['ids', 'main.ids', '"ids"'])}`
    }
    return this.#pick([
      `${alias}.id is not distinct from 3`,
      `(${alias}.id > 1 or ${this.#string()} = ${this.#string()})`,
    ])
  }

  /** White space, or a comment that looks like SQL. */
  #gap(): string {
    return this.#chance(85) ? ' ' : this.#pick([' /* from b, c */ ', ' -- from c\n', '\n\t'])
  }

  #string(): string {
    return this.#pick(["'x'", "'it''s from b'", "'-- from c'", "'/*'", "x'00ff'"])
  }

  #chance(percent: number): boolean {
    return this.gen(fc.nat, { max: 99 }) < percent
  }

  #pick<T>(choices: readonly T[]): T {
    return this.gen(fc.constantFrom<T[]>, ...choices)
  }
}

describe('readStatement against the plans of SQLite', { retry: 0 }, () => {
  const database = new Database(':memory:')
  const tableOfRoot = new Map<number, string>()

  beforeAll(() => {
    for (const table of TABLES)
      database.exec(`create table ${quote(table)} (id integer primary key, x integer, y text)`)
    database.exec(`create table ids (id integer primary key); create index a_x on a (x);
      create view v1 as select a.* from a join b on a.id = b.id; create view v2 as select * from c where id in (select id from v1)`)
    const roots = database.prepare<[], { table: string; root: number }>(
      'select tbl_name as "table", rootpage as root from sqlite_schema where rootpage > 0',
    )
    for (const { table, root } of roots.all()) tableOfRoot.set(root, table)
  })

  afterAll(() => {
    database.close()
  })

  /** The base tables whose pages the plan opens, or `undefined` if SQLite rejects the statement. */
  function plan(sql: string): { readonly reads: Set<string>; readonly writes: Set<string> } | undefined {
    const reads = new Set<string>()
    const writes = new Set<string>()
    try {
      for (const { opcode, p2, p3 } of database
        .prepare<[], { opcode: string; p2: number; p3: number }>(`explain ${sql}`)
        .all()) {
        const table = tableOfRoot.get(p2)
        if (p3 !== 0 || table === undefined) continue
        if (opcode === 'OpenRead') reads.add(table)
        if (opcode === 'OpenWrite') writes.add(table)
      }
    } catch {
      return undefined
    }
    return { reads, writes }
  }

  it('misses no table, and returns no table that the statement does not use', () => {
    let planned = 0
    let opened = 0
    const property = fc.property(fc.gen(), (gen) => {
      const builder = new StatementBuilder(gen)
      const sql = builder.statement()
      const opens = plan(sql)
      if (opens === undefined) return
      planned++
      opened += opens.reads.size + opens.writes.size
      const statement = readStatement(sql, 'sqlite')
      expect(statement.opaque, sql).toBeUndefined()
      expect([...statement.functions], sql).toEqual([])
      const reads = new Set(statement.reads.map((name) => name.at(-1) ?? ''))
      const writes = new Set(statement.writes.map(({ name }) => name.at(-1) ?? ''))
      expect([...reads].sort(), sql).toEqual([...builder.reads].sort())
      expect([...writes], sql).toEqual([...builder.writes])
      const known = new Set([...writes, ...[...reads].flatMap((name) => VIEWS[name] ?? [name])])
      for (const table of opens.reads) expect(known, sql).toContain(table)
      for (const table of opens.writes) expect(writes, sql).toContain(table)
    })
    fc.assert(property, { seed: 7, numRuns: 400, endOnFailure: true })
    // Most of the statements are valid, and their plans open tables.
    expect(planned).toBeGreaterThan(330)
    expect(opened).toBeGreaterThan(700)
  })
})
