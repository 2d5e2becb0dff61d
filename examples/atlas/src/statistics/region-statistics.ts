import type { Knex } from 'knex'
import type { AtlasPrisma } from '../clients.ts'

const TABLE = 'region_statistics'
const INDEX = 'cities_region_id_statistics'

/** Statistics of a region's cities. */
export interface RegionStatistics {
  readonly region_id: number
  readonly country: string
  readonly cities: number
  /** The mean of its cities, in degrees. */
  readonly latitude: number
  readonly longitude: number
  readonly northernmost: string
}

/**
 * Creates the empty table that the job fills, and the index that it requires: `sluice analyze` recommends it.
 */
export async function createStatisticsTable(db: Knex): Promise<void> {
  await db.schema.alterTable('cities', (table) => table.index(['region_id'], INDEX))
  await db.schema.dropTableIfExists(TABLE)
  await db.schema.createTable(TABLE, (table) => {
    table.integer('region_id').primary()
    table.string('country').notNullable()
    table.integer('cities').notNullable()
    table.double('latitude').notNullable()
    table.double('longitude').notNullable()
    table.string('northernmost').notNullable()
  })
}

/** Restores a database on a server. */
export async function dropStatisticsTable(db: Knex): Promise<void> {
  await db.schema.dropTableIfExists(TABLE)
  await db.schema.alterTable('cities', (table) => table.dropIndex(['region_id'], INDEX))
}

/** Computes one region in the naive way: one query for it, one for its country, one for its cities. */
export async function statisticsOf(
  prisma: AtlasPrisma,
  regionId: number,
): Promise<RegionStatistics | undefined> {
  const region = await prisma.region.findUnique({ where: { id: regionId } })
  if (region === null) return undefined
  const country = await prisma.country.findUnique({ where: { code: region.countryCode } })
  const cities = await prisma.city.findMany({ where: { regionId: region.id } })
  if (cities.length === 0) return undefined
  const mean = (of: (city: (typeof cities)[number]) => number) =>
    cities.reduce((sum, city) => sum + of(city), 0) / cities.length
  const northernmost = cities.reduce((best, city) => (city.latitude > best.latitude ? city : best))
  return {
    region_id: region.id,
    country: country?.name ?? region.countryCode,
    cities: cities.length,
    latitude: mean(({ latitude }) => latitude),
    longitude: mean(({ longitude }) => longitude),
    northernmost: northernmost.name,
  }
}

/** Stores the result; a part of a batch that runs twice replaces its earlier rows. */
export async function saveStatistics(db: Knex, rows: readonly RegionStatistics[]): Promise<void> {
  if (rows.length > 0) await db(TABLE).insert(rows).onConflict('region_id').merge()
}

/** Computed cities, and regions whose count differs from that of the database. */
export async function checkStatistics(
  db: Knex,
): Promise<{ readonly cities: number; readonly wrong: number }> {
  const counted: { region_id?: number; cities?: number | string }[] = await db('cities')
    .whereNotNull('region_id')
    .groupBy('region_id')
    .select('region_id')
    .count({ cities: '*' })
  const kept: { region_id: number; cities: number }[] = await db(TABLE).select('region_id', 'cities')
  const byRegion = new Map(kept.map(({ region_id, cities }) => [region_id, Number(cities)]))
  return {
    cities: kept.reduce((sum, { cities }) => sum + Number(cities), 0),
    wrong: counted.filter(({ region_id, cities }) => byRegion.get(Number(region_id)) !== Number(cities))
      .length,
  }
}
