import { InvalidArgumentError } from '@sluice/core'
import type { FastifyInstance } from 'fastify'

const TOKEN = "[\\w!#$%&'*+.^`|~-]+"
const MEDIA_TYPE = new RegExp(`^${TOKEN}/${TOKEN}\\s*(;|$)`)

/** Has the routes of an instance leave bodies where they are, whatever they are. */
export function leaveBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (request, payload, done) => {
    if (payload === request.raw) done(null)
    else done(new InvalidArgumentError('payload', 'the request itself, which no preParsing hook has replaced', payload))
  })
  // Fastify refuses a type that is none before it asks a parser. It is not for this app to judge, and nodes are sent what the client sent.
  app.addHook('onRequest', (request, _reply, done) => {
    const type = request.headers['content-type']
    const isRefused = type === undefined ? request.method === 'QUERY' : !MEDIA_TYPE.test(type)
    if (isRefused) request.headers = { ...request.headers, 'content-type': 'application/octet-stream' }
    done()
  })
}
