import type { Sluice } from '@sluice/core'
import { isInstrumented, markReplaceable } from '@sluice/core/adapter'
import { sluiceKnex, unsluice, withSluice } from '@sluice/knex'
import type { Knex } from 'knex'
import { attached } from '../attached-clients.ts'
import { guarded } from '../guarded.ts'
import { adaptedOrms, currentTest } from '../process-state.ts'
import { attachesTo, registeredSluice } from '../registered-sluice.ts'
import { unseen } from '../unseen-clients.ts'
import { ormNow } from './callers.ts'
import { mikroOrmFix } from './orms/mikro-orm.ts'

type MakeKnex = (client: KnexClient) => Knex

interface KnexClient {
  readonly transacting?: boolean
  readonly driverName?: string
}

/** Attaches to each instance that Knex creates, except the ones of transactions, which derive from it. */
export function patchMakeKnex(exports: unknown): unknown {
  const original = exports as MakeKnex
  const makeKnex: MakeKnex = (client) => {
    const knex = original(client)
    // Without a driver it only builds SQL, as `knex({})` does.
    if (client.transacting === true || client.driverName === undefined) return knex
    guarded('Knex', () => {
      // The only ORM that creates instances itself.
      const orm = ormNow('Knex') === 'MikroORM' ? 'MikroORM' : undefined
      if (!attachesTo('Knex', ...(orm === undefined ? [] : [orm]))) return
      const sluice = registeredSluice()
      adaptedOrms.add('Knex')
      if (orm === undefined) withSluice(knex, sluice)
      else mikroOrmKnex(knex, sluice)
      // It has warned of a client that it does not support.
      if (!isInstrumented(knex.client, sluice)) return unseen('Knex', client.driverName)
      const detach = () => void unsluice(knex)
      markReplaceable(knex.client, detach)
      currentTest.detachments?.push(detach)
      attached(`${orm ?? 'Knex'} (${client.driverName})`, sluice)
    })
    return knex
  }
  return Object.assign(makeKnex, original)
}

/** Attaches an instance of Knex that MikroORM has created. */
export function mikroOrmKnex(knex: Knex, sluice: Sluice): void {
  sluiceKnex(knex, sluice, { orm: 'mikroorm', fix: mikroOrmFix })
}

/** Releases an instance of Knex. */
export function releaseKnex(knex: Knex): void {
  unsluice(knex)
}
