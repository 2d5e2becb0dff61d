import { median } from '../harness.ts'
import type { BenchFigure } from './report.ts'
import type { ShopDatabase } from './shop-database.ts'

const ROWS = 100_000
const WORDS =
  'amber bold coral dusty early frosty golden hazel ivory jade linen maple noble olive pearl quiet rustic silver tidal velvet'.split(
    ' ',
  )

/** The specified limits for one layer of a database with 100,000 rows, in milliseconds. */
const TARGETS = { key: 1, range: 10, text: 50 }

/**
 * Milliseconds of the shop's database for the most common reads: a row by its key, 10% of the rows, words in
 * strings, and 100 rows individually and in one query.
 */
export async function layerFigures(database: ShopDatabase, rounds: number): Promise<BenchFigure[]> {
  const { name, connection, dialect } = database
  await fill(database)
  const placeholder = dialect === 'postgresql' ? '$1' : '?'
  const time = async (run: (round: number) => Promise<number>) => {
    const times: number[] = []
    for (let round = -2; round < rounds; round += 1) {
      const startedAt = performance.now()
      const rows = await run(round + 2)
      if (round >= 0) times.push(performance.now() - startedAt)
      if (rows === 0) throw new Error('Expected rows from the timed query.')
    }
    return median(times)
  }
  const count = async (sql: string, values: readonly unknown[] = []) =>
    (await connection.query(sql, values)).length
  const byKey = `SELECT * FROM papers WHERE id = ${placeholder}`
  const key = (round: number) => ((round * 7_919) % ROWS) + 1
  const keyMs = await time((round) => count(byKey, [key(round)]))
  const rangeMs = await time((round) =>
    count(`SELECT id, day FROM papers WHERE day BETWEEN ${round % 90} AND ${(round % 90) + 9}`),
  )
  const textMs = await time((round) =>
    count(textSearch(dialect, `${WORDS[round % 20]}`, `${WORDS[(round + 7) % 20]}`)),
  )
  const ids = (round: number) => Array.from({ length: 100 }, (_, at) => key(round * 100 + at))
  const oneByOneMs = await time(async (round) => {
    let rows = 0
    for (const id of ids(round)) rows += await count(byKey, [id])
    return rows
  })
  const inOneMs = await time((round) => count(`SELECT * FROM papers WHERE id IN (${ids(round).join(', ')})`))
  await connection.query(dialect === 'sqlite' ? 'DROP TABLE papers_text' : 'SELECT 1')
  await connection.query('DROP TABLE papers')
  return [
    { id: `${name}: a row by its key`, value: keyMs, unit: 'ms', target: TARGETS.key },
    { id: `${name}: 10,000 of 100,000 rows by a range`, value: rangeMs, unit: 'ms', target: TARGETS.range },
    { id: `${name}: two words in 100,000 strings, 50 best`, value: textMs, unit: 'ms', target: TARGETS.text },
    { id: `${name}: 100 rows by key, one by one ÷ in one query`, value: oneByOneMs / inOneMs, unit: '×' },
  ]
}

async function fill({ connection, dialect }: ShopDatabase): Promise<void> {
  const text = dialect === 'mysql' ? 'VARCHAR(191)' : 'TEXT'
  const body =
    dialect === 'postgresql'
      ? ", search tsvector GENERATED ALWAYS AS (to_tsvector('simple', body)) STORED"
      : ''
  await connection.query(
    `CREATE TABLE papers (id INTEGER PRIMARY KEY, day INTEGER NOT NULL, body ${text} NOT NULL${body})`,
  )
  const words = (id: number) =>
    Array.from({ length: 8 }, (_, at) => WORDS[Math.trunc(id / (at * at * at + 1)) % 20]).join(' ')
  for (let from = 1; from <= ROWS; from += 1_000) {
    const rows = Array.from(
      { length: 1_000 },
      (_, at) => `(${from + at}, ${(from + at) % 100}, '${words(from + at)}')`,
    )
    await connection.query(`INSERT INTO papers (id, day, body) VALUES ${rows.join(', ')}`)
  }
  await connection.query('CREATE INDEX papers_day ON papers (day)')
  if (dialect === 'sqlite') {
    await connection.query(
      "CREATE VIRTUAL TABLE papers_text USING fts5 (body, content='papers', content_rowid='id')",
    )
    await connection.query("INSERT INTO papers_text (papers_text) VALUES ('rebuild')")
  } else if (dialect === 'postgresql')
    await connection.query('CREATE INDEX papers_text ON papers USING gin (search)')
  else await connection.query('CREATE FULLTEXT INDEX papers_text ON papers (body)')
  await connection.query(dialect === 'mysql' ? 'ANALYZE TABLE papers' : 'ANALYZE papers')
}

function textSearch(dialect: ShopDatabase['dialect'], one: string, other: string): string {
  switch (dialect) {
    case 'sqlite':
      return `SELECT p.id FROM papers_text t JOIN papers p ON p.id = t.rowid WHERE papers_text MATCH '${one} AND ${other}' ORDER BY rank LIMIT 50`
    case 'postgresql':
      return `SELECT id FROM papers, to_tsquery('simple', '${one} & ${other}') q WHERE search @@ q ORDER BY ts_rank(search, q) DESC LIMIT 50`
    case 'mysql':
      return `SELECT id FROM papers WHERE MATCH (body) AGAINST ('+${one} +${other}' IN BOOLEAN MODE) LIMIT 50`
  }
}
