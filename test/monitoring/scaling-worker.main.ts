import cluster from 'node:cluster'
import { createServer } from 'node:http'
import { closeConnectionsOnDisconnect } from '@sluice/core/scaling-cluster'

/**
 * A worker that responds with its process ID after some milliseconds; `/die` ends it. The environment sets
 * how it starts.
 */
const port = Number(process.env.SCALING_PORT)
if (process.env.SCALING_STARTS === 'dies') process.exit(3)
if (process.env.SCALING_STARTS === 'never') setInterval(() => {}, 1000)
else {
  const server = createServer((request, response) => {
    if (request.url === '/die') process.exit(5)
    setTimeout(
      () => response.end(String(process.pid)),
      Number(new URL(request.url ?? '/', 'http://a').searchParams.get('ms') ?? 5),
    )
  })
  closeConnectionsOnDisconnect(server).listen(port, '127.0.0.1')
  // Keeps the process alive, like a connection pool.
  setInterval(() => {}, 1000)
  if (process.env.SCALING_HEARS === 'nothing') process.on('SIGTERM', () => {})
  cluster.worker?.on('error', () => {})
}
