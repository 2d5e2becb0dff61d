// The REST API, as Payload's routes in a Next.js app serve it.
import { createServer } from 'node:http'
import { getPayload, handleEndpoints } from 'payload'
import configured from './payload.config.js'
import { sluice } from './sluice.js'

const config = await configured
await getPayload({ config })

async function respond(request, response) {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  const { status, body } = await handleEndpoints({
    config,
    request: new Request(`http://localhost${request.url}`, {
      method: request.method,
      headers: request.headers,
      ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
    }),
  })
  response.statusCode = status
  if (body !== null) for await (const chunk of body) response.write(chunk)
  response.end()
}

createServer((request, response) => {
  const name = `${request.method} ${request.url.replace(/\?.*/, '').replace(/\d+/g, ':id')}`
  const run = () => respond(request, response)
  const done = sluice === undefined ? run() : sluice.run(run, { name })
  done.catch((error) => {
    response.statusCode = 500
    response.end(String(error))
  })
}).listen(Number(process.env.PORT), process.env.HOST)
