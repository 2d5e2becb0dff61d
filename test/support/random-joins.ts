import type { Dialect } from '@sluice/core'
import type { Random } from './random.ts'

interface Table {
  readonly name: string
  readonly id: readonly string[]
  readonly columns: readonly string[]
  /** Columns of integers without meaning. */
  readonly number: string
  /** Columns by which rows are selected. */
  readonly keys: readonly (readonly string[])[]
}

const TABLES = {
  author: {
    name: 'author',
    id: ['id'],
    columns: ['id', 'name', 'rank'],
    number: 'rank',
    keys: [['id'], ['rank']],
  },
  post: {
    name: 'post',
    id: ['id'],
    columns: ['id', 'author_id', 'editor_id', 'title', 'views'],
    number: 'views',
    keys: [['id'], ['author_id'], ['editor_id'], ['author_id', 'views']],
  },
  comment: {
    name: 'comment',
    id: ['id'],
    columns: ['id', 'post_id', 'author_id', 'body', 'likes'],
    number: 'likes',
    keys: [['id'], ['post_id'], ['author_id']],
  },
  tagging: {
    name: 'tagging',
    id: ['post_id', 'tag'],
    columns: ['post_id', 'tag', 'weight'],
    number: 'weight',
    keys: [['post_id', 'tag'], ['post_id']],
  },
} as const satisfies Readonly<Record<string, Table>>

/** Rows of a table that belong to a row of another table. */
interface Relation {
  readonly from: keyof typeof TABLES
  readonly to: keyof typeof TABLES
  readonly own: string
  readonly other: string
}

const FOREIGN: readonly Relation[] = [
  { from: 'post', to: 'author', own: 'author_id', other: 'id' },
  { from: 'post', to: 'author', own: 'editor_id', other: 'id' },
  { from: 'comment', to: 'post', own: 'post_id', other: 'id' },
  { from: 'comment', to: 'author', own: 'author_id', other: 'id' },
  { from: 'tagging', to: 'post', own: 'post_id', other: 'id' },
]
const RELATIONS: readonly Relation[] = [
  ...FOREIGN,
  ...FOREIGN.map(({ from, to, own, other }) => ({ from: to, to: from, own: other, other: own })),
  // No foreign key, and several rows on both sides.
  { from: 'post', to: 'comment', own: 'views', other: 'likes' },
  { from: 'author', to: 'tagging', own: 'rank', other: 'weight' },
]
const TAGS = ['a', 'b', 'C', 'long tag']

/** The tables of the selects. */
export function joinedTables(dialect: Dialect): string {
  const text = dialect === 'mysql' ? 'varchar(40)' : 'text'
  const id = dialect === 'mysql' ? 'int PRIMARY KEY' : 'integer PRIMARY KEY'
  return `
    CREATE TABLE author (id ${id}, name ${text}, rank integer);
    CREATE TABLE post (
      id ${id}, author_id integer, editor_id integer, title ${text}, views integer,
      FOREIGN KEY (author_id) REFERENCES author (id), FOREIGN KEY (editor_id) REFERENCES author (id)
    );
    CREATE TABLE comment (
      id ${id}, post_id integer NOT NULL, author_id integer, body ${text}, likes integer,
      FOREIGN KEY (post_id) REFERENCES post (id), FOREIGN KEY (author_id) REFERENCES author (id)
    );
    CREATE TABLE tagging (
      post_id integer NOT NULL, tag ${text} NOT NULL, weight integer, PRIMARY KEY (post_id, tag),
      FOREIGN KEY (post_id) REFERENCES post (id)
    );`
}

/** Statements that fill the tables. Most rows have related rows; some columns are null. */
export function joinedRows(random: Random): readonly string[] {
  const maybe = (max: number) => (random.chance(0.2) ? 'NULL' : String(1 + random.below(max)))
  const texts = ["'x'", "'y'", "'X'", 'NULL', "''"]
  const rows = (count: number, row: (id: number) => string) =>
    Array.from({ length: count }, (_, at) => `(${row(at + 1)})`).join(', ')
  const tags = Array.from({ length: 14 }, (_, post) =>
    TAGS.filter(() => random.chance(0.5)).map((tag) => [post + 1, tag]),
  )
  return [
    `INSERT INTO author VALUES ${rows(8, (id) => `${id}, ${random.pick(texts)}, ${maybe(3)}`)}`,
    `INSERT INTO post VALUES ${rows(14, (id) => `${id}, ${maybe(8)}, ${maybe(8)}, ${random.pick(texts)}, ${maybe(4)}`)}`,
    `INSERT INTO comment VALUES ${rows(30, (id) => `${id}, ${1 + random.below(14)}, ${maybe(8)}, ${random.pick(texts)}, ${maybe(4)}`)}`,
    `INSERT INTO tagging VALUES ${tags
      .flat()
      .map(([post, tag]) => `(${post}, '${tag}', ${maybe(3)})`)
      .join(', ')}`,
  ]
}

/** A select by key, to run for several keys. */
export interface RandomSelect {
  readonly sql: string
  /** Whether its order is deterministic. */
  readonly isOrdered: boolean
  params(key: readonly unknown[]): readonly unknown[]
  key(): readonly unknown[]
}

interface Joined {
  readonly alias: string
  /** `undefined` for a query. */
  readonly table: Table | undefined
}

/**
 * Creates selects by key with joins, derived tables, lateral queries, subqueries and expressions. Some are
 * exact for many keys together, and some only look like it.
 */
export class RandomJoins {
  #aliases = 0
  readonly #json: { readonly row: string; readonly rows: string; readonly none: string }

  constructor(
    private readonly dialect: Dialect,
    private readonly random: Random,
  ) {
    this.#json = {
      postgresql: { row: 'json_build_array', rows: 'json_agg', none: "'[]'::json" },
      sqlite: { row: 'json_array', rows: 'json_group_array', none: "'[]'" },
      mysql: { row: 'json_array', rows: 'json_arrayagg', none: 'json_array()' },
    }[dialect]
  }

  /** In the text, `:key0` is a part of the key, and `:1` a constant. */
  read(): RandomSelect {
    const { random } = this
    this.#aliases = 0
    const table: Table = TABLES[random.pick(Object.keys(TABLES) as (keyof typeof TABLES)[])]
    const base: Joined = { alias: random.chance(0.5) ? table.name : 'b', table }
    const joined = [base]
    const from = [base.alias === table.name ? table.name : `${table.name} ${random.pick(['', 'as '])}b`]
    for (let count = random.below(4); count > 0; count -= 1) from.push(this.#join(joined))
    const keyedAt = random.chance(0.6) ? 0 : random.below(joined.length)
    const keyed = joined[keyedAt]?.table === undefined ? base : (joined[keyedAt] as Joined)
    const key = random.pick((keyed.table ?? table).keys)
    const columns = key.map((column, at) => `${this.#qualified(keyed, column, joined)} = :key${at}`)
    if (random.chance(0.15)) columns.push(this.#repeated(columns))
    const isInJoin = keyed !== base && random.chance(0.4)
    if (isInJoin) from[keyedAt] += ` and ${columns.join(' and ')}`
    const conditions = [...(isInJoin ? [] : columns), ...this.#conditions(base, joined)]
    const outputs = this.#outputs(base, joined)
    const { order, isTotal } = this.#order(joined)
    // The database chooses the first rows if they have no order.
    const isOne =
      keyed === base && key[0] === 'id' && joined.every((one) => one === base || one.table === undefined)
    const limit =
      (isTotal || isOne) && random.chance(0.3) ? ` limit ${random.pick([':1', '1', ':2', '2'])}` : ''
    const distinct = random.chance(0.03) ? 'distinct ' : ''
    const all = random.chance(0.3) ? `(${conditions.join(') and (')})` : conditions.join(' and ')
    const where = conditions.length === 0 ? '' : ` where ${all}`
    if (random.chance(0.15)) {
      const part = { outputs, rest: ` from ${from.join(' ')}${where}${random.chance(0.1) ? order : ''}` }
      return this.#select(this.#distinct(part, base, keyed === base ? key : []), false, key)
    }
    return this.#select(
      `select ${distinct}${outputs.join(', ')} from ${from.join(' ')}${where}${order}${limit}`,
      isTotal && distinct === '',
      key,
    )
  }

  /** Another condition that a part of the key has a value, rarely the same for other keys. */
  #repeated(columns: readonly string[]): string {
    const { random } = this
    const [column, value] = random.pick(columns).split(' = ') as [string, string]
    const other = random.chance(0.1) ? ':1' : value
    return random.chance(0.5) ? `${column} in (${other})` : `${column} = ${other}`
  }

  /** Distinct columns of a derived table: usually with the key, and of its base table. */
  #distinct(
    { outputs, rest }: { readonly outputs: readonly string[]; readonly rest: string },
    { alias, table }: Joined,
    key: readonly string[],
  ): string {
    const { random } = this
    const more = random.chance(0.2) ? outputs : outputs.filter((one) => / as /.test(one))
    // MySQL chooses among strings that differ in case only.
    const isOne = (column: string) => this.dialect !== 'mysql' || !['name', 'title', 'body'].includes(column)
    const own = (table?.columns ?? []).filter(isOne).map((column) => `${alias}.${column} as d_${column}`)
    const named = [...own, ...more].flatMap((one) => / as (\w+)$/.exec(one)?.[1] ?? [])
    const chosen = named.filter((name) => random.chance(name.startsWith('d_') ? 0.5 : 0.05))
    const all = [...key.filter(() => random.chance(0.95)).map((column) => `d_${column}`), ...chosen]
    const columns = all.length === 0 ? ['d_id'] : [...new Set(all)]
    // All columns are a total order of distinct rows.
    const order = random.pick([
      '',
      ` order by ${columns.join(', ')}`,
      ` order by x.${columns.join(' desc, x.')}`,
    ])
    const limit =
      order === '' ? '' : random.pick(['', ' limit 1', ' limit :1', ' limit 2', ' limit 1 offset 1'])
    const listed = columns.map((column) => `x.${column}${random.chance(0.5) ? ` as o_${column}` : ''}`)
    return `select distinct ${listed.join(', ')} from (select ${[...more, ...own].join(', ')}${rest}) x${order}${limit}`
  }

  #select(text: string, isOrdered: boolean, key: readonly string[]): RandomSelect {
    const values: (readonly [isKey: boolean, number: number])[] = []
    const sql = text.replace(/:(key)?(\d)/g, (_, isKey: string | undefined, number: string) => {
      values.push([isKey !== undefined, Number(number)])
      return this.dialect === 'postgresql' ? `$${values.length}` : '?'
    })
    const { random } = this
    return {
      sql,
      isOrdered,
      params: (given) => values.map(([isKey, number]) => (isKey ? given[number] : number)),
      key: () =>
        key.map((column) =>
          column === 'tag' ? random.pick(TAGS) : 1 + random.below(column === 'id' ? 16 : 9),
        ),
    }
  }

  #qualified({ alias }: Joined, column: string, joined: readonly Joined[]): string {
    return joined.length === 1 && this.random.chance(0.5) ? column : `${alias}.${column}`
  }

  #join(joined: Joined[]): string {
    const { random, dialect } = this
    const from = random.pick(joined.filter(({ table }) => table !== undefined)) as Joined & { table: Table }
    const { to, own, other } = random.pick(RELATIONS.filter((one) => one.from === from.table.name))
    const table: Table = TABLES[to]
    const alias = this.#alias()
    const on = `${alias}.${other} = ${from.alias}.${own}`
    const kind = random.below(20)
    const lateral = dialect === 'postgresql' ? this.#lateral(from, { to, own, other }) : undefined
    if (lateral !== undefined && kind < 10) {
      joined.push({ alias, table: undefined })
      return `left join lateral (${lateral}) ${alias} on ${random.chance(0.9) ? 'true' : `${from.alias}.${own} > :1`}`
    }
    if (kind === 10) {
      joined.push({ alias, table: undefined })
      const most = `select max(n.${table.number}) as data from ${table.name} n`
      return `left join (${most}) ${alias} on ${alias}.data >= ${from.alias}.${own}`
    }
    if (kind === 11) {
      joined.push({ alias, table: undefined })
      const counted = `select n.${other} as of, count(*) as data from ${table.name} n group by n.${other}`
      return `left join (${counted}) ${alias} on ${alias}.of = ${from.alias}.${own}`
    }
    if (kind === 12) {
      joined.push({ alias, table })
      return `${random.pick(['inner', 'left'])} join (select * from ${table.name}) ${alias} on ${on}`
    }
    joined.push({ alias, table })
    const more = random.pick([
      '',
      '',
      '',
      ` and ${alias}.${table.number} > :1`,
      ` and (${alias}.${table.number} > :2 or ${from.alias}.${own} < 3)`,
      ` and exists (select 1 from author n where n.id = ${alias}.${table.number})`,
    ])
    return `${random.pick(['inner join', 'left join', 'left join', 'left outer join', 'join', ...(random.chance(0.1) ? ['right join'] : [])])} ${table.name} ${alias} on ${on}${more}`
  }

  #alias(): string {
    this.#aliases += 1
    return `j${this.#aliases}`
  }

  /** A query of related rows as one value. */
  #lateral(from: Joined, { to, own, other }: Omit<Relation, 'from'>, depth = 0): string {
    const { random } = this
    const { row, rows, none } = this.#json
    const table: Table = TABLES[to]
    const n = `n${depth}`
    const on = `${n}.${other} = ${from.alias}.${own}`
    const values = table.columns.map((column) => `${n}.${column}`)
    const total = table.id.map((column) => `${n}.${column}${random.chance(0.3) ? ' desc' : ''}`).join(', ')
    const order = random.pick([total, total, `${n}.${table.number}`, `${n}.${table.number} desc, ${total}`])
    const limit = random.pick(['', '', ' limit :1', ' limit :2', ' limit 3', ' limit :2 offset :1'])
    switch (random.below(8)) {
      case 0:
        return `select count(*) as data from ${table.name} ${n} where ${on} and ${n}.${table.number} > :1`
      case 1:
        return `select ${random.pick(['max', 'min', 'sum'])}(${n}.${table.number}) as data from ${table.name} ${n} where ${on}`
      case 2:
        return `select ${row}(${values.join(', ')}) as data from (select * from ${table.name} ${n} where ${on} order by ${total} limit :1) ${n}`
      case 3:
        return `select ${row}(${values.join(', ')}) as data from (select * from ${table.name} ${n} where ${on} limit :1) ${n}`
      case 4: {
        const inner: Joined = { alias: n, table }
        const next = random.pick(RELATIONS.filter((one) => one.from === to))
        if (depth === 0)
          return (
            `select coalesce(${rows}(${row}(${[...values, 'm.data'].join(', ')}) order by ${total}), ${none}) as data ` +
            `from (select ${n}.* from ${table.name} as ${n} where ${on} order by ${order}${limit}) as ${n} ` +
            `left join lateral (${this.#lateral(inner, next, 1)}) m on true`
          )
      }
    }
    return `select coalesce(${rows}(${row}(${values.join(', ')}) order by ${total}), ${none}) as data from (select * from ${table.name} ${n} where ${on} order by ${order}${limit}) ${n}`
  }

  #conditions(base: Joined, joined: readonly Joined[]): readonly string[] {
    const { random } = this
    const own = `${base.alias}.${base.table?.number}`
    const last = joined.at(-1) ?? base
    const other = last.table === undefined ? `${last.alias}.data` : `${last.alias}.${last.table.id[0]}`
    const forms = [
      `${own} >= :0`,
      `(${own} > :2 or ${own} is null)`,
      `${own} in (:1, :2, :3)`,
      `exists (select 1 from comment n where n.likes = ${own})`,
      `${own} in (select n.likes from comment n where n.id > :1)`,
      `${own} < (select max(n.views) from post n)`,
      `not (${own} = :3)`,
      `coalesce(${own}, 0) < :4`,
      ...(joined.length > 1 ? [`${other} is null`, `${other} is not null`] : []),
    ]
    return random.chance(0.5) ? [] : [random.pick(forms)]
  }

  #outputs(base: Joined, joined: readonly Joined[]): readonly string[] {
    const { random } = this
    if (random.chance(0.1)) return ['*']
    const outputs: string[] = []
    for (const { alias, table } of joined) {
      if (table === undefined) outputs.push(`${alias}.data${random.chance(0.5) ? ` as ${alias}_data` : ''}`)
      else if (random.chance(0.2)) outputs.push(`${alias}.*`)
      else
        for (const column of table.columns)
          if (random.chance(0.6))
            outputs.push(`${alias}.${column}${random.chance(0.4) ? ` as ${alias}_${column}` : ''}`)
    }
    while (random.chance(0.35)) outputs.push(this.#expression(base))
    return outputs.length === 0 ? [`${base.alias}.${base.table?.number}`] : outputs
  }

  #expression({ alias, table }: Joined): string {
    const { random, dialect } = this
    const { row, rows } = this.#json
    const own = `${alias}.${table?.number}`
    const id = `${alias}.${table?.id[0]}`
    const name = random.chance(0.7) ? ` as ${random.pick(['e1', 'e2', 'id'])}` : ''
    const forms = [
      `${own} + 1`,
      `case when ${own} > 2 then 'much' else 'little' end`,
      `coalesce(${own}, 0)`,
      '1',
      `(select count(*) from comment n where n.post_id = ${id})`,
      `(select max(n.likes) from comment n where n.post_id = ${id})`,
      `(select n.id from author n where n.id = ${own})`,
      `(select n.id from author n where n.rank = ${own} order by n.id limit 1)`,
      `(select ${rows}(${row}(n.id, n.body)) from comment n where n.post_id = ${id})`,
      // Functions that combine rows of the select.
      `(select sum(${own}))`,
      `(select count(${own}) from author n where n.id = 1)`,
      'count(*) over ()',
      `rank() over (order by ${own})`,
      ...(dialect === 'postgresql' ? ['generate_series(1, 2)', `${own}::text`] : []),
    ]
    return `${random.pick(forms)}${name}`
  }

  #order(joined: readonly Joined[]): { readonly order: string; readonly isTotal: boolean } {
    const { random } = this
    const ids = joined.flatMap(({ alias, table }) => table?.id.map((column) => `${alias}.${column}`) ?? [])
    const [base] = joined
    if (random.chance(0.3)) return { order: '', isTotal: false }
    const number = `${base?.alias}.${base?.table?.number}`
    if (random.chance(0.2)) return { order: ` order by ${number}`, isTotal: false }
    const first = random.pick([[], [number], [`${number} desc`], [`coalesce(${number}, 2)`]])
    return { order: ` order by ${[...first, ...ids].join(', ')}`, isTotal: true }
  }
}
