import { isInstrumented, markReplaceable } from '@sluice/core/adapter'
import { unsluice, withSluice } from '@sluice/knex'
import type { Knex } from 'knex'
import { attached } from '../attached-clients.ts'
import { guarded } from '../guarded.ts'
import { adaptedOrms } from '../process-state.ts'
import { attachesTo, registeredSluice } from '../registered-sluice.ts'

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
      if (!attachesTo('Knex')) return
      const sluice = registeredSluice()
      adaptedOrms.add('Knex')
      withSluice(knex, sluice)
      // It has warned of a client that it does not support.
      if (!isInstrumented(knex.client, sluice)) return
      markReplaceable(knex.client, () => unsluice(knex))
      attached(`Knex (${client.driverName})`, sluice)
    })
    return knex
  }
  return Object.assign(makeKnex, original)
}
