// The tests open one connection; Sluice works with pools. Each connection becomes a pool of one, also
// without Sluice.
import { withSluice } from '@sluice/drizzle'
import { sluice } from './sluice.mjs'

const pools = new WeakMap()

export function pgPool(client, { default: { Pool } }) {
  return pooled(client, () => {
    const { host, port, user, password, database } = client
    return new Pool({
      host,
      port,
      user,
      password,
      database,
      max: 1,
      idleTimeoutMillis: 0,
      allowExitOnIdle: true,
    })
  })
}

export function mysqlPool(client, { createPool }) {
  return pooled(client, () => {
    const { host, port, user, password, database, supportBigNumbers } = client.connection.config
    const server = { host, port, user, password, database, supportBigNumbers }
    const pool = createPool({ ...server, connectionLimit: 1 })
    pool.pool.on('connection', withoutInlineReferences)
    return pool
  })
}

/**
 * MySQL ignores references that are declared with a column. MariaDB creates them, and rejects those whose
 * types differ, which most of the tests have.
 */
function withoutInlineReferences(connection) {
  for (const name of ['query', 'execute']) {
    const send = connection[name]
    connection[name] = function (command, ...rest) {
      if (/^\s*create table/i.test(command?.sql)) command.sql = command.sql.replace(INLINE_REFERENCE, '')
      return send.call(this, command, ...rest)
    }
  }
}

const INLINE_REFERENCE =
  /(?<!\)\s*)\breferences\s+[`\w.]+\s*\(`?\w+`?\)(\s+on\s+(delete|update)\s+(cascade|set null|restrict|no action))*/gi

export function database(client) {
  return sluice === undefined ? client : withSluice(client, sluice)
}

function pooled(client, create) {
  const known = pools.get(client)
  if (known !== undefined) return known
  const pool = create()
  const opened = sluice === undefined ? pool : withSluice(pool, sluice)
  pools.set(client, opened)
  return opened
}
