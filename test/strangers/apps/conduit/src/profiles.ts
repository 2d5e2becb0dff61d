import { Router } from 'express'
import { HttpError, userOf, viewerOf } from './auth'
import { prisma } from './database'

/** The public fields of a user, and whether the viewer follows the user. */
export const profileFields = (viewer: number | undefined) => ({
  username: true,
  bio: true,
  image: true,
  followers: { where: { id: viewer ?? 0 }, select: { id: true } },
})

export function profileOf({ followers, ...profile }: { followers: readonly unknown[] }) {
  return { ...profile, following: followers.length > 0 }
}

export const profiles = Router()

profiles.get('/profiles/:username', async (request, response) => {
  const { username } = request.params
  const user = await prisma.user.findUnique({ where: { username }, select: profileFields(viewerOf(request)) })
  if (user === null) throw new HttpError(404)
  response.json({ profile: profileOf(user) })
})

for (const [method, action] of [
  ['post', 'connect'],
  ['delete', 'disconnect'],
] as const)
  profiles[method]('/profiles/:username/follow', async (request, response) => {
    const viewer = userOf(request)
    const { username } = request.params
    const user = await prisma.user.findUnique({ where: { username }, select: { id: true } })
    if (user === null) throw new HttpError(404)
    const followed = await prisma.user.update({
      where: { id: user.id },
      data: { followers: { [action]: { id: viewer } } },
      select: profileFields(viewer),
    })
    response.json({ profile: profileOf(followed) })
  })
