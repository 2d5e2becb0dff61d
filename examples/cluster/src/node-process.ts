// One node: a separate process that serves atlas, with Sluice, a primary and a replica. Started by `AppNode`.
import { createSluice } from '@sluice/core'
import { createApp } from '@sluice/example-atlas/app'
import { openClients } from '@sluice/example-atlas/clients'
import { listen } from '@sluice/example-atlas/listen'
import { schema } from '@sluice/example-atlas/postgresql-schema'
import { StatementCounter } from '@sluice/example-atlas/statement-counter'
import { sluiceMiddleware } from '@sluice/express'
import { withSluice as withSluiceKnex } from '@sluice/knex'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import express from 'express'
import type { NodeMessage, NodePlan } from './app-node.ts'

const TELL_EVERY_MS = 50
const { name, port, primaryUrl, replicaUrl, maxLagMs } = JSON.parse(process.argv[2] ?? '{}') as NodePlan

// Without a store, a process does not see the other nodes' writes. With a store, reads use the primary only.
const sluice = createSluice({ mode: 'optimize', cache: false })
const replica = openClients({ kind: 'postgresql', url: replicaUrl }, new StatementCounter())
const clients = openClients({ kind: 'postgresql', url: primaryUrl }, new StatementCounter(), {
  adapter: (adapter) => sluiceAdapter(adapter, sluice),
  // The extension changes no type, but TypeScript cannot compare the two forms of a generic delegate.
  prisma: (client) =>
    client.$extends(
      withSluice(sluice, { schema, replicas: [replica.prisma], maxLagMs }),
    ) as unknown as typeof client,
  knex: (db) => withSluiceKnex(db, sluice, { replicas: [replica.db], maxLagMs }),
})

const middleware = express.Router()
middleware.use((_request, response, next) => {
  response.set('X-Node', name)
  next()
})
// Before the scopes: a probe is not a request of a visitor.
middleware.get('/health', (_request, response) => void response.json({ name }))
middleware.use(sluiceMiddleware(sluice, { report: false, serverTiming: false, consistencyCookie: true }))

const server = await listen(createApp({ ...clients, middleware }), port)

const tell = (message: NodeMessage) => process.connected && process.send?.(message)
setInterval(() => {
  const stats = sluice.replicas.getStats()
  const onReplica = stats.reduce((sum, { replicaReads }) => sum + replicaReads, 0)
  // Writes and transactions cannot use the replica.
  const onPrimary = stats.reduce(
    (sum, { primaryReads, primaryReasons: { write, transaction } }) =>
      sum + primaryReads - write - transaction,
    0,
  )
  tell({ onReplica, onPrimary })
}, TELL_EVERY_MS).unref()

process.once('disconnect', async () => {
  await server.close()
  await sluice.close()
  await Promise.all([clients.close(), replica.close()])
})
tell('ready')
