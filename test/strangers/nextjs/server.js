import { sluiceMiddleware } from '@sluice/express'
import express from 'express'
import next from 'next'
import { sluice } from './lib/sluice.js'

const app = next({ dev: process.env.NODE_ENV !== 'production' })
await app.prepare()

const server = express()
server.use(sluiceMiddleware(sluice))
const handle = app.getRequestHandler()
// Next takes a third argument for an address.
server.use((request, response) => handle(request, response))
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1')
