import type { Dialect } from '@sluice/core'
import type { Knex } from 'knex'
import type { Random } from './random.ts'

type Table = 'item' | 'seat' | 'doc' | 'word'
type Write = Knex.QueryBuilder | Knex.Raw

/**
 * Keys of one and of two integers, of a UUID and of a string; rows that refer to their own table and to other
 * tables.
 */
export const RANDOM_TABLES: Readonly<Record<Dialect, string>> = {
  sqlite: ddl('integer PRIMARY KEY', 'uuid', 'text'),
  postgresql: ddl('integer PRIMARY KEY', 'uuid', 'text'),
  mysql: ddl('int PRIMARY KEY', 'uuid', 'varchar(40)'),
}

function ddl(id: string, uuid: string, text: string): string {
  return `
    CREATE TABLE item (
      id ${id}, name ${text}, n integer, parent_id integer,
      FOREIGN KEY (parent_id) REFERENCES item (id) ON DELETE SET NULL
    );
    CREATE TABLE seat (
      row_no integer NOT NULL, num integer NOT NULL, name ${text}, n integer, item_id integer, PRIMARY KEY (row_no, num),
      FOREIGN KEY (item_id) REFERENCES item (id) ON DELETE CASCADE ON UPDATE CASCADE
    );
    CREATE TABLE doc (
      id ${uuid} NOT NULL PRIMARY KEY, name ${text}, n integer, item_id integer,
      FOREIGN KEY (item_id) REFERENCES item (id) ON DELETE SET NULL ON UPDATE CASCADE
    );
    CREATE TABLE word (code ${text} NOT NULL PRIMARY KEY, name ${text}, n integer);`
}

const TABLES: readonly Table[] = ['item', 'item', 'seat', 'doc', 'word']
const KEYS: Readonly<Record<Table, readonly string[]>> = {
  item: ['id'],
  seat: ['row_no', 'num'],
  doc: ['id'],
  word: ['code'],
}
/** Few keys, so that most refer to existing rows. */
const MAX_KEY = 8

/**
 * Creates builders on the tables `item`, `seat`, `doc` and `word`: most query by the primary key, in many
 * ways and in some that only look like it.
 */
export class RandomBuilders {
  constructor(
    private readonly db: Knex,
    private readonly dialect: Dialect,
    private readonly random: Random,
  ) {}

  read(): Knex.QueryBuilder {
    const { db, random } = this
    const table = random.pick(TABLES)
    if (random.chance(0.15)) return this.#joined(table)
    const builder = this.#filtered(db(random.chance(0.2) ? `${table} as t` : table), table)
    const ending = random.below(18)
    if (ending === 0) builder.first()
    else if (ending === 1) builder.first('name').orderBy('name')
    else if (ending === 2) builder.pluck('name')
    else if (ending === 3 || ending === 11) builder.count('* as c')
    else if (ending === 4) builder.max('n as m').groupBy('name')
    else if (ending === 5) builder.select('name').limit(random.below(3)).orderBy('n')
    else if (ending === 6) builder.limit(2).offset(1)
    else if (ending === 7) builder.distinct('name')
    else if (ending === 8) builder.select('name').union(db(random.pick(TABLES)).select('name').where('n', 3))
    else if (ending === 9) builder.having('n', '>', 1)
    else if (ending === 10) builder.select('name', db.raw('(select max(n) from item) as most'))
    return builder
  }

  #joined(table: Table): Knex.QueryBuilder {
    const { db, random } = this
    const other = random.pick(TABLES)
    const builder = db(`${table} as t`).select('t.name', 'o.n')
    if (random.chance(0.4)) builder.join(`${other} as o`, 'o.n', 't.n')
    else if (random.chance(0.5)) builder.leftJoin(`${other} as o`, 'o.n', 't.n')
    else builder.rightJoin(`${other} as o`, 'o.n', 't.n')
    const [key = ''] = KEYS[table]
    const values = { ...this.#key(table) }
    if (random.chance(0.6))
      for (const column of KEYS[table]) builder.where(`t.${column}`, values[column] as string)
    else
      builder.where(
        random.pick(['o.n', `o.${KEYS[other][0]}`, `t.${key}`]),
        this.#value(table, key) as string,
      )
    return random.chance(0.2) ? builder.first() : builder
  }

  /** Fills the tables. */
  rows(): Knex.QueryBuilder[] {
    return Array.from({ length: 60 }, (_, at) => {
      const table = TABLES[at % TABLES.length] ?? 'item'
      return this.db(table)
        .insert(this.#row(table))
        .onConflict([...KEYS[table]])
        .ignore()
    })
  }

  write(): Write {
    const { db, random } = this
    const table = random.pick(TABLES)
    const kind = random.below(20)
    if (kind < 6) return db(table).insert(this.#row(table))
    if (kind === 6)
      return db(table)
        .insert(this.#row(table))
        .onConflict([...KEYS[table]])
        .merge(['name', 'n'])
    if (kind === 7)
      return db(table)
        .insert(this.#row(table))
        .onConflict([...KEYS[table]])
        .ignore()
    if (kind === 8) return db(table).where(this.#key(table)).del()
    if (kind === 9) return random.chance(0.3) ? this.#filtered(db(table), table).del() : this.#rekey(table)
    if (kind < 13) return this.#raw(table)
    return this.#filtered(db(table), table).update({
      name: this.#name(),
      ...(random.chance(0.5) ? { n: random.below(6) } : {}),
    })
  }

  #rekey(table: Table): Knex.QueryBuilder {
    const [column = ''] = KEYS[table]
    return this.db(table)
      .where(this.#key(table))
      .update({ [column]: this.#value(table, column) })
  }

  #raw(table: Table): Knex.Raw {
    const { db, random, dialect } = this
    const [column = ''] = KEYS[table]
    const value = this.#value(table, column) as string
    const other = this.#value(table, column) as string
    const forms: [string, unknown[]][] = [
      [`update ${table} set n = n + 1 where ${column} = ? and (n = ? or n > 1)`, [value, 2]],
      [`update ${table} set n = n + 1 where ${column} = ? or n = ?`, [value, 2]],
      [`update ${table} set n = 1 where (${column} = ? and 1 = 1) and not (n = 5)`, [value]],
      [`update ${table} set n = 2 where n between 0 and ${column} = ?`, [1]],
      [`delete from ${table} where not ${column} = ? and n = 4`, [value]],
      [`update ${table} set n = case when ${column} = ? then 1 else 3 end where n < 3`, [value]],
      [`update ${table} set n = 5 where ${column} in (?, ?) and name is not null`, [value, other]],
    ]
    if (dialect === 'mysql') {
      forms.push([`update ${table} set n = 4 where ${column} = ? and name is not null || n = 1`, [value]])
      forms.push([`update ${table} set name = '?' where ${column} = ?`, ['x', value]])
    } else
      forms.push([
        `insert into item (id, n) values (?, 1) on conflict (id) do update set n = 9 where item.id = ?`,
        [1, 1],
      ])
    if (dialect === 'sqlite')
      forms.push([`insert or replace into item (id, n) values (?, 1)`, [this.#value('item', 'id')]])
    const [sql, bindings] = random.pick(forms)
    return db.raw(sql, bindings as string[])
  }

  /** Conditions, mostly including the primary key. */
  #filtered(builder: Knex.QueryBuilder, table: Table): Knex.QueryBuilder {
    const { db, random } = this
    const key = this.#key(table)
    const [column = ''] = KEYS[table]
    const some = () => this.#value(table, column) as string
    switch (random.below(20)) {
      case 0:
        return builder.where(key).where('n', '>', 1)
      case 1:
        return builder.where('n', 1).orWhere(key)
      case 2:
        return builder.where(key).orWhere('n', 2)
      case 3:
        return builder.whereNot(key)
      case 4:
      case 12:
      case 13:
        return builder.whereIn(column, [some(), some(), some()]).whereNotNull('name')
      case 5:
        return builder.whereIn(column, db(table).where('n', 1).select(column))
      case 6:
        return builder.where(key).whereRaw('n = 1 or n = 2')
      case 7:
        return builder.where(key).whereBetween('n', [0, 3])
      case 8:
        return builder.where(key).where((group) => group.where('n', 1).orWhere('n', 2))
      case 9:
        return builder.where((group) => group.where(key)).whereExists(db('item').where('n', 1))
      case 10:
        return builder.where(column, '>', some())
      case 11:
        return builder.whereIn([...KEYS[table]] as never, [Object.values(key)] as never)
      default:
        return builder.where(key)
    }
  }

  #key(table: Table): Record<string, unknown> {
    return Object.fromEntries(KEYS[table].map((column) => [column, this.#value(table, column)]))
  }

  #value(table: Table, column: string): unknown {
    const { random } = this
    const number = 1 + random.below(table === 'seat' ? 3 : MAX_KEY)
    if (table === 'word') return `w${number}`
    if (column === 'id' && table === 'doc') {
      const uuid = `0000000${number}-aaaa-4bbb-8ccc-0000000000ab`
      return random.chance(0.1) ? uuid.toUpperCase() : uuid
    }
    const odd = [
      `${number}`,
      `0${number}`,
      ` ${number}`,
      `${number}x`,
      `${number}.0`,
      `0.${number}e1`,
      number + 0.5,
      BigInt(number),
      true,
    ]
    return random.chance(0.2) ? random.pick(odd) : number
  }

  #row(table: Table): Record<string, unknown> {
    const { random } = this
    const parent = random.chance(0.4) ? 1 + random.below(MAX_KEY) : null
    const reference = table === 'item' ? { parent_id: parent } : table === 'word' ? {} : { item_id: parent }
    return { ...this.#key(table), name: this.#name(), n: random.below(6), ...reference }
  }

  #name(): string {
    return `name${this.random.below(4)}`
  }
}
