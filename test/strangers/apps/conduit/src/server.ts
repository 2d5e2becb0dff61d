// The RealWorld API: https://docs.realworld.show/specifications/backend/endpoints
import { sluiceMiddleware } from '@sluice/express'
import express, { type ErrorRequestHandler } from 'express'
import { articles } from './articles'
import { HttpError } from './auth'
import { comments } from './comments'
import { sluice } from './database'
import { profiles } from './profiles'
import { users } from './users'

const reject: ErrorRequestHandler = (error, _request, response, _next) => {
  if (error instanceof HttpError) response.status(error.status).json({ errors: error.errors })
  else {
    console.error(error)
    response.sendStatus(500)
  }
}

const app = express()
if (sluice !== undefined) app.use(sluiceMiddleware(sluice))
app.use(express.json())
app.use('/api', users, profiles, articles, comments)
app.use(reject)
app.listen(Number(process.env.PORT), process.env.HOST)
