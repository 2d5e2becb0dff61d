import { db } from './db.js'

/** The naive way: the listing, then one concurrent query per row. */
export async function cities() {
  const rows = await db('city').orderBy('id').limit(20)
  return Promise.all(
    rows.map(async ({ name, region_id }) => ({
      name,
      region: (await db('region').where({ id: region_id }).first()).name,
    })),
  )
}
