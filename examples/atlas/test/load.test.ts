import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadData } from '../src/load.ts'
import type { Progress } from '../src/progress.ts'
import { emptyFixture } from './fixture.ts'

const fixture = emptyFixture()
const { file } = fixture.target
const lines: string[] = []
const progress: Progress = {
  start: (label) => lines.push(label),
  advance() {},
  finish: (line) => lines.push(line),
}

function ask<T>(use: (database: Database.Database) => T): T {
  const database = new Database(file)
  try {
    return use(database)
  } finally {
    database.close()
  }
}
const value = (sql: string) => ask((database) => database.prepare(sql).pluck().get())

beforeAll(() => loadData(fixture.target, progress))
afterAll(() => fixture.remove())

describe('loadData', () => {
  it.each([
    ['countries', 247],
    ['regions', 3_865],
    ['districts', 47_643],
    ['cities', 171_075],
    ['users', 200],
    ['reviews', 8_000],
  ])('loads every row of %s', (table, rows) => {
    expect(value(`SELECT COUNT(*) FROM ${table}`)).toBe(rows)
  })

  it('has 379 regions with at least 100 cities', () => {
    const large =
      'SELECT region_id FROM cities WHERE region_id IS NOT NULL GROUP BY region_id HAVING COUNT(*) >= 100'
    expect(value(`SELECT COUNT(*) FROM (${large})`)).toBe(379)
  })

  it('names countries in English', () => {
    expect(value(`SELECT name FROM countries WHERE code = 'JP'`)).toBe('Japan')
    expect(value('SELECT COUNT(*) FROM countries WHERE name = code')).toBe(0)
  })

  it('puts a city into its region and district', () => {
    const path = ask((database) =>
      database
        .prepare(`SELECT r.name AS region, d.name AS district, c.latitude FROM cities c
          JOIN regions r ON r.id = c.region_id JOIN districts d ON d.id = c.district_id WHERE c.name = 'Lyon' AND c.country_code = 'FR'`)
        .get(),
    )
    expect(path).toEqual({
      region: 'Auvergne-Rhône-Alpes',
      district: 'Rhône',
      latitude: expect.closeTo(45.748, 2),
    })
  })

  it('writes times as Prisma writes them', () => {
    expect(value(`SELECT COUNT(*) FROM reviews WHERE created_at GLOB '????-??-??T??:??:??.???+00:00'`)).toBe(
      8_000,
    )
  })

  it('leaves no dangling key', () => {
    expect(ask((database) => database.pragma('foreign_key_check'))).toEqual([])
  })

  it('creates no secondary index', () => {
    expect(value(`SELECT COUNT(*) FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL`)).toBe(0)
  })

  it('reports the loaded rows', () => {
    expect(lines).toEqual(['Loading the GeoNames cities', expect.stringContaining('171,075 cities')])
  })

  it('keeps the data of the same loader', async () => {
    ask((database) => database.exec(`UPDATE countries SET name = 'kept' WHERE code = 'JP'`))
    await loadData(fixture.target, progress)
    expect(value(`SELECT name FROM countries WHERE code = 'JP'`)).toBe('kept')
  })

  it('replaces the data of a different loader', async () => {
    ask((database) => database.pragma('user_version = 1'))
    await loadData(fixture.target, progress)
    expect(value(`SELECT name FROM countries WHERE code = 'JP'`)).toBe('Japan')
  })
})
