const BY_KEY = /^select (.+) from (\S+) where (?:\S+\.)?(\S+) = \?(?: order by .+?)?(?: limit \?)?$/i

/** How to ask once what a select by key asks again and again, as Knex code. */
export function fixForSql(shape: string): string | undefined {
  const match = BY_KEY.exec(shape)
  const [, columns = '', table = '', key = ''] = match ?? []
  if (match === null || /[()?]/.test(table)) return undefined
  const builder = `db('${plain(table)}').whereIn('${plain(key)}', keys)`
  return /^count\s*\(/i.test(columns) ? `${builder}.groupBy('${plain(key)}').select('${plain(key)}').count()` : builder
}

function plain(identifier: string): string {
  return identifier.replace(/["`[\]]/g, '')
}
