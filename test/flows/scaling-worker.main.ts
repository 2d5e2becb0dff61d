// A worker of the scaling flow: responds with data from the database and its process ID.
import { createServer } from 'node:http'
import { createSluice } from '@sluice/core'
import { closeConnectionsOnDisconnect } from '@sluice/core/scaling-cluster'
import { withSluice } from '@sluice/knex'
import knex, { type Knex } from 'knex'

export interface ScalingWorkerPlan {
  readonly port: number
  readonly knexConfig: Knex.Config
}

const { port, knexConfig } = JSON.parse(process.env.FLOW_WORKER ?? '{}') as ScalingWorkerPlan
const sluice = createSluice()
const db = withSluice(knex(knexConfig), sluice)
const server = createServer(async (_request, response) => {
  try {
    const city = await sluice.run(() => db('cities').where({ id: 1 }).first())
    response.setHeader('x-pid', String(process.pid))
    response.end(JSON.stringify(city))
  } catch (error) {
    response.statusCode = 500
    response.end(String(error))
  }
})
closeConnectionsOnDisconnect(server).listen(port, '127.0.0.1')
process.once('disconnect', async () => {
  await db.destroy()
  await sluice.close()
})
