import { Router } from 'express'
import { HttpError, hashOf, isPassword, required, tokenOf, userOf } from './auth'
import { prisma } from './database'

const account = { id: true, email: true, username: true, bio: true, image: true } as const

const shown = ({ id, ...user }: { id: number }) => ({ user: { ...user, token: tokenOf(id) } })

export const users = Router()

users.post('/users', async (request, response) => {
  const given = request.body?.user
  const [email, username, password] = ['email', 'username', 'password'].map((name) => required(given, name))
  const taken = await prisma.user.findFirst({
    where: { OR: [{ email }, { username }] },
    select: { id: true },
  })
  if (taken !== null) throw new HttpError(422, { user: ['has already been taken'] })
  const data = { email, username, password: hashOf(password), bio: given.bio, image: given.image }
  response.status(201).json(shown(await prisma.user.create({ data, select: account })))
})

users.post('/users/login', async (request, response) => {
  const given = request.body?.user
  const [email, password] = ['email', 'password'].map((name) => required(given, name))
  const user = await prisma.user.findUnique({ where: { email }, select: { ...account, password: true } })
  if (user === null || !isPassword(password, user.password))
    throw new HttpError(403, { 'email or password': ['is invalid'] })
  const { password: _, ...found } = user
  response.json(shown(found))
})

users.get('/user', async (request, response) => {
  const user = await prisma.user.findUnique({ where: { id: userOf(request) }, select: account })
  if (user === null) throw new HttpError(404)
  response.json(shown(user))
})

users.put('/user', async (request, response) => {
  const { email, username, password, bio, image } = request.body?.user ?? {}
  const user = await prisma.user.update({
    where: { id: userOf(request) },
    data: { email, username, bio, image, ...(password && { password: hashOf(password) }) },
    select: account,
  })
  response.json(shown(user))
})
